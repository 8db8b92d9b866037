"""The workflow as a LangGraph graph: `analyze_intent` → `generate`."""

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from basechat.assistant.model import ModelClient
from basechat.assistant.nodes import analyze_intent, generate
from basechat.assistant.state import Context, State
from basechat.chat.runs.answer import Answer, Audience, Question

Graph = CompiledStateGraph[State, Context, State, State]


def build_graph() -> Graph:
    """Return the compiled workflow. Its state is rebuilt from the stored messages, so it needs no checkpoint yet."""
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("analyze_intent", analyze_intent)
    graph.add_node("generate", generate)
    graph.add_edge(START, "analyze_intent")
    graph.add_edge("analyze_intent", "generate")
    graph.add_edge("generate", END)
    return graph.compile()


class Assistant:
    """Answers questions by the workflow."""

    def __init__(self, model: ModelClient) -> None:
        self._graph = build_graph()
        self._model = model

    async def __call__(self, question: Question, audience: Audience) -> Answer:
        """Answer a question, the text going to the audience."""
        context = Context(audience=audience, model=self._model)
        state = await self._graph.ainvoke({"question": question}, context=context)
        answer: Answer = state["answer"]
        return answer
