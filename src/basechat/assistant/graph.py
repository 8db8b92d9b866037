"""The workflow as a LangGraph graph: `analyze_intent` → `generate` ⇄ `call_tool`, one task per call."""

import asyncio
from contextlib import aclosing
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from basechat.assistant.calling import TURNS, execute_request, report_failed_servers
from basechat.assistant.context.prompt import PromptParts, RunPrompt, fit_steps
from basechat.assistant.intent.choice import ToolChooser
from basechat.assistant.model import Completion, Definitions, Messages, ModelRequest
from basechat.assistant.state import CallState, Context, State, answer_of
from basechat.assistant.tools import ToolRegistry, ToolRequest
from basechat.chat.runs.answer import Answer, AnswerError, EventSink, Paused, RunRequest
from basechat.chat.runs.checkpoints import CheckpointHandle
from basechat.chat.runs.tools.ledger import ToolLedger
from basechat.infra.cache.store import Cache
from basechat.kit import json
from basechat.protocol import IntentFound

Graph = CompiledStateGraph[State, Context, State, State]

ANSWER_LIMIT = 1_000_000  # characters
RESULTS_LIMIT = 1_000_000  # characters of all tool results of one answer; each checkpoint stores them
LEAST_RESULT = 500
# Seconds until the next call of the model after a broken answer; two answers are never joined. A provider's fault may
# happen again. A lost connection to our own gateway means that it restarts.
RETRY_PAUSES = {
    "provider.cut": (0.2, 1.0),
    "provider.unreachable": (0.2, 1.0),
    "model.cut": (0.2, 1.0, 2.0, 4.0, 8.0),
}
_INITIAL = State(steps=[], requests=[], text="", turns=0, tokens=0, model=None, finish_reason=None, context={})
_RECURSION_LIMIT = 200  # of LangGraph; the nodes stop before
_PARAGRAPH = "\n\n"


async def analyze_intent(state: State, runtime: Runtime[Context]) -> State:
    context = runtime.context
    tools = list(context.tools.values())
    names = await context.chooser.choose(context.run.messages[-1]["content"], tools, owner_id=context.run.owner_id)
    context.events.emit(IntentFound(tools=names))
    return {"offer": names}


async def generate(state: State, runtime: Runtime[Context]) -> State:
    """Let the model answer or call tools. Each piece of text is written to `events` at once."""
    context = runtime.context
    definitions = [context.tools[name].definition for name in state["offer"] if name in context.tools]
    prompt = await context.prompt.get(definitions)
    steps = fit_steps(state["steps"], prompt.room)
    completion, text = await _complete(state, [*prompt.messages, *steps], definitions, context)
    requests = completion.tool_calls.finish()
    if requests and _must_answer(state):
        raise AnswerError("tools.endless", f"The model called tools {TURNS} times and then did not answer.")
    return {
        "steps": [_turn_with_calls(text, requests)] if requests else [],
        "requests": requests,
        "text": state["text"] + text,
        "turns": state["turns"] + 1,
        "tokens": state["tokens"] + (completion.total_tokens or 0) + prompt.spent,
        "model": completion.model,
        "finish_reason": completion.finish_reason,
        "cache": completion.cache,
        "context": prompt.context(completion.prompt_tokens, steps),
    }


async def call_tool(state: CallState, runtime: Runtime[Context]) -> State:
    text = (await execute_request(state, runtime.context)).text
    if len(text) > state["room"]:
        text = f"{text[: state['room']]}\n[Cut here: the results of this answer's calls are too long together.]"
    return {"steps": [{"role": "tool", "tool_call_id": state["request"]["call_id"], "content": text}]}


async def next_nodes(state: State) -> str | list[Send]:
    """One task per call; the end if there are no calls.

    A coroutine, as LangGraph runs other functions in a thread.
    """
    if not state["requests"]:
        return END
    requests, turn, at = state["requests"], state["turns"], len(state["text"])
    left = RESULTS_LIMIT - sum(len(step["content"] or "") for step in state["steps"])
    room = max(left // len(requests), LEAST_RESULT)
    return [Send("call_tool", CallState(request=each, turn=turn, text_at=at, room=room)) for each in requests]


def build_graph(checkpoints: BaseCheckpointSaver[int]) -> Graph:
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("analyze_intent", analyze_intent)
    graph.add_node("generate", generate)
    graph.add_node("call_tool", call_tool)
    graph.add_edge(START, "analyze_intent")
    graph.add_edge("analyze_intent", "generate")
    graph.add_conditional_edges("generate", next_nodes, ["call_tool", "__end__"])
    graph.add_edge("call_tool", "generate")
    return graph.compile(checkpointer=checkpoints)


class Assistant:
    """Answers messages by the workflow."""

    def __init__(
        self,
        prompt_parts: PromptParts,
        *,
        chooser: ToolChooser,
        registry: ToolRegistry,
        ledger: ToolLedger,
        cache: Cache,
        checkpoints: BaseCheckpointSaver[int],
    ) -> None:
        self._graph = build_graph(checkpoints)
        self._prompt_parts = prompt_parts
        self._chooser = chooser
        self._registry = registry
        self._ledger = ledger
        self._cache = cache

    async def __call__(self, run: RunRequest, events: EventSink) -> Answer | Paused:
        """Answer a message, or continue from the checkpoint of an earlier attempt."""
        config = CheckpointHandle(run.run_id, run.attempt).config | {"recursion_limit": _RECURSION_LIMIT}
        earlier = await self._earlier_state(run, config)
        if run.attempt > 1:
            events.reset(earlier["text"] if earlier else "")
        available = await self._registry.find(run)
        context = Context(
            run=run,
            events=events,
            model=self._prompt_parts.model,
            prompt=RunPrompt(run, self._prompt_parts),
            chooser=self._chooser,
            ledger=self._ledger,
            cache=self._cache,
            tools={tool.name: tool for tool in available.tools},
        )
        if not earlier:
            await report_failed_servers(available.failed, context)
        state = await self._graph.ainvoke(None if earlier else _INITIAL, config, context=context, durability="sync")
        return Paused() if "__interrupt__" in state else answer_of(cast("State", state))

    async def _earlier_state(self, run: RunRequest, config: RunnableConfig) -> State | None:
        """The state in the checkpoint of an earlier attempt."""
        if run.attempt == 1:
            return None
        values = (await self._graph.aget_state(config)).values
        return cast("State", values) if values else None


async def _complete(
    state: State, messages: Messages, definitions: Definitions, context: Context
) -> tuple[Completion, str]:
    """One turn of the model and its text. An answer that breaks is replaced by a new one."""
    pauses = {code: iter(seconds) for code, seconds in RETRY_PAUSES.items()}
    while True:
        completion = Completion()
        try:
            return completion, await _stream(state, messages, definitions, completion, context)
        except AnswerError as error:
            pause = next(pauses.get(error.code, iter(())), None)
            if pause is None:
                raise
        await asyncio.sleep(pause)
        context.events.reset(state["text"])


async def _stream(
    state: State, messages: Messages, definitions: Definitions, completion: Completion, context: Context
) -> str:
    """Stream one turn of the model and return its text. A blank line separates it from earlier text."""
    parts = list[str]()
    length = len(state["text"])
    stream = context.model.stream(
        ModelRequest.of(context.run),
        messages,
        completion,
        tools=definitions,
        tool_choice="none" if _must_answer(state) else None,
    )
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            text = _PARAGRAPH + piece if length and not parts else piece
            context.events.write(text)
            parts.append(text)
            length += len(text)
            if length > ANSWER_LIMIT:
                raise AnswerError("provider.too_long", f"The answer grew beyond {ANSWER_LIMIT:,} characters.")
    return "".join(parts)


def _must_answer(state: State) -> bool:
    """Whether the limit of turns is exceeded, and the model may not call tools any more."""
    return state["turns"] > TURNS


def _turn_with_calls(text: str, requests: list[ToolRequest]) -> dict[str, Any]:
    """The model's turn as a message of the next prompt."""
    calls = [
        {
            "id": request["call_id"],
            "type": "function",
            "function": {"name": request["name"], "arguments": json.dumps(request["arguments"] or {}).decode()},
        }
        for request in requests
    ]
    return {"role": "assistant", "content": text.strip() or None, "tool_calls": calls}
