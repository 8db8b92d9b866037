"""The workflow as a LangGraph graph: `analyze_intent` → `generate` ⇄ `call_tool`, one task a call."""

from typing import cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from basechat.assistant.calling import tell_silent
from basechat.assistant.context.branch import PromptParts
from basechat.assistant.context.prompt import RunPrompt
from basechat.assistant.intent.choice import ToolChooser
from basechat.assistant.nodes import analyze_intent, call_tool, generate, next_nodes
from basechat.assistant.state import Context, State, answer_of
from basechat.assistant.tools.bench import Workbench
from basechat.chat.runs.answer import Answer, EventSink, Paused, RunRequest
from basechat.chat.runs.checkpoints import CheckpointHandle

Graph = CompiledStateGraph[State, Context, State, State]

_BEGINNING = State(steps=[], requests=[], text="", turns=0, tokens=0, model=None, finish_reason=None, context={})
_STEPS_AT_MOST = 200  # of LangGraph; the nodes bound themselves before


def build_graph(checkpoints: BaseCheckpointSaver[int]) -> Graph:
    """Return the compiled workflow."""
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
    """Answers questions by the workflow."""

    def __init__(
        self, prompt_parts: PromptParts, chooser: ToolChooser, bench: Workbench, checkpoints: BaseCheckpointSaver[int]
    ) -> None:
        self._graph = build_graph(checkpoints)
        self._prompt_parts = prompt_parts
        self._chooser = chooser
        self._bench = bench

    async def __call__(self, question: RunRequest, events: EventSink) -> Answer | Paused:
        """Answer a question, the text going to `events`; goes on where an earlier attempt has left a checkpoint."""
        config = CheckpointHandle(question.run_id, question.attempt).config | {"recursion_limit": _STEPS_AT_MOST}
        left = await self._left(question, config)
        if question.attempt > 1:
            events.reset(left["text"] if left else "")
        found = await self._bench.find(question)
        context = Context(
            question=question,
            events=events,
            model=self._prompt_parts.model,
            prompt=RunPrompt(question, self._prompt_parts),
            chooser=self._chooser,
            bench=self._bench,
            tools={tool.name: tool for tool in found.tools},
        )
        if not left:
            await tell_silent(found.silent, context)
        state = await self._graph.ainvoke(None if left else _BEGINNING, config, context=context, durability="sync")
        return Paused() if "__interrupt__" in state else answer_of(cast("State", state))

    async def _left(self, question: RunRequest, config: RunnableConfig) -> State | None:
        """Return the state that an earlier attempt has left."""
        if question.attempt == 1:
            return None
        values = (await self._graph.aget_state(config)).values
        return cast("State", values) if values else None
