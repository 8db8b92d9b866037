"""The nodes of the workflow."""

import asyncio

from langgraph.runtime import Runtime

from basechat.assistant.intent import decide
from basechat.assistant.model import Usage
from basechat.assistant.state import Context, State
from basechat.chat.runs.answer import Answer, AnswerError, Question
from basechat.protocol import IntentFound

ANSWER_LIMIT = 1_000_000  # characters
AFTER_CUT = (0.2, 1.0)  # seconds until an answer that broke off is made anew; never are two of them joined
_LANGUAGES = {"ko": "Korean", "en": "English"}


async def analyze_intent(state: State, runtime: Runtime[Context]) -> State:
    """Decide what the message needs."""
    intent = decide(state["question"].messages[-1]["content"])
    runtime.context.audience.say(IntentFound(language=intent.language, recall=intent.recall, tools=intent.tools))
    return {"intent": intent}


async def generate(state: State, runtime: Runtime[Context]) -> State:
    """Let the model answer, each piece of text going to the audience at once."""
    question, usage = state["question"], Usage()
    messages = [{"role": "system", "content": _system(question, state["intent"].language)}, *question.messages]
    for pause in (*AFTER_CUT, None):
        try:
            await _stream(question, messages, usage, runtime.context)
            break
        except AnswerError as error:
            if error.code != "provider.cut" or pause is None:
                raise
        await asyncio.sleep(pause)
        usage = Usage()
        runtime.context.audience.start_over()
    meta_info = {"finish_reason": usage.finish_reason} if usage.finish_reason not in {None, "stop"} else {}
    return {"answer": Answer(model=usage.model, tokens_used=usage.total_tokens, meta_info=meta_info)}


async def _stream(question: Question, messages: list[dict[str, str]], usage: Usage, context: Context) -> None:
    length = 0
    async for text in context.model.stream(question, messages, usage):
        context.audience.write(text)
        length += len(text)
        if length > ANSWER_LIMIT:
            raise AnswerError("provider.too_long", f"The answer grew beyond {ANSWER_LIMIT:,} characters.")


def _system(question: Question, language: str) -> str:
    """Return the system message: it begins alike in every chat, so that providers can cache the prompt."""
    parts = [
        "You are BaseChat, a helpful assistant for a team. Be accurate and brief. Use Markdown where it helps.",
        question.instructions,
        f"Answer in {_LANGUAGES[language]} unless asked otherwise.",
    ]
    return "\n\n".join(part for part in parts if part)
