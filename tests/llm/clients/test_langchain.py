"""LangChain's client: invoke, stream, tools, usage, embeddings."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import DefaultAsyncHttpxClient
from pydantic import SecretStr

from tests.llm.clients.conftest import CHAT, EMBEDDING, Gateway
from tests.upstream import Call, Say, embeddings

QUESTION = HumanMessage(content="What is six times seven?")


@tool
def calculate(expression: str) -> str:
    """Calculate an expression."""
    return {"6 × 7": "42"}[expression]


@pytest.fixture
async def shared(gateway: Gateway) -> AsyncIterator[dict[str, Any]]:
    """Arguments of both kinds of LangChain models. They do not retry."""
    async with DefaultAsyncHttpxClient() as http:
        yield {
            "base_url": gateway.url,
            "api_key": SecretStr(gateway.token),
            "max_retries": 0,
            "http_async_client": http,  # one that is closed, unlike its own
        }


@pytest.fixture
def model(gateway: Gateway, shared: dict[str, Any]) -> ChatOpenAI:
    """A model that chats."""
    gateway.upstream.script(CHAT, Say(("Forty", "-two", ".")))
    return ChatOpenAI(model=CHAT, stream_usage=True, **shared)


async def test_invoke(model: ChatOpenAI) -> None:
    answer = await model.ainvoke([QUESTION])
    assert answer.content == "Forty-two."
    assert answer.usage_metadata
    assert (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]) == (5, 3)


async def test_stream(model: ChatOpenAI) -> None:
    whole = AIMessageChunk(content="")
    pieces = []
    async for chunk in model.astream([QUESTION]):
        assert isinstance(chunk, AIMessageChunk)
        pieces.append(chunk.content)
        whole += chunk
    assert whole.content == "Forty-two."
    assert len([piece for piece in pieces if piece]) == 3
    assert whole.usage_metadata
    assert whole.usage_metadata["total_tokens"] == 8


async def _streamed(model: Runnable[LanguageModelInput, AIMessage]) -> AIMessage:
    whole = AIMessageChunk(content="")
    async for chunk in model.astream([QUESTION]):
        assert isinstance(chunk, AIMessageChunk)
        whole += chunk
    return whole


@pytest.mark.parametrize("streamed", [True, False])
async def test_tools(model: ChatOpenAI, gateway: Gateway, streamed: bool) -> None:
    gateway.upstream.script_turns(CHAT, (Call("calculate", {"expression": "6 × 7"}),), (Say(("It is", " 42.")),))
    able = model.bind_tools([calculate])
    first = await (_streamed(able) if streamed else able.ainvoke([QUESTION]))
    (call,) = first.tool_calls
    assert (call["name"], call["args"]) == ("calculate", {"expression": "6 × 7"})
    result = await calculate.ainvoke(call)
    assert isinstance(result, ToolMessage)
    answer = await able.ainvoke([QUESTION, first, result])
    assert answer.content == "It is 42."
    assert gateway.upstream.completions[-1].tools == ["calculate"]


async def test_embeddings(shared: dict[str, Any]) -> None:
    # It would check the texts' lengths by a table that it downloads.
    made = OpenAIEmbeddings(model=EMBEDDING, check_embedding_ctx_length=False, **shared)
    # One text at a time: it takes vectors in the order in which they come, and our upstream gives them backwards.
    for text in ("red apple", "파란 하늘"):
        assert await made.aembed_query(text) == pytest.approx(embeddings.vector(text), abs=1e-6)
