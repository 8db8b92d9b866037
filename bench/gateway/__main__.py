"""`python -m bench.gateway`: llm-agent and LiteLLM's proxy on one upstream, measured in turns, ended at the end."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import click

from bench.command import Outputs, Run, conduct, outputs
from bench.gateway import entries, footprint, hits, litellm, misses, relay
from bench.gateway.agent import prepared
from bench.gateway.parties import Parties, Party, bearer
from bench.report import Subject
from bench.stack import free_port, running_upstream
from bench.throughput import MODEL

LONGEST_RUN_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    blocks: int
    rounds: int
    hits: int


FULL = Size(blocks=24, rounds=5, hits=500)
QUICK = Size(blocks=6, rounds=2, hits=100)


async def measure(run: Run, size: Size, folder: Path, *, with_litellm: bool) -> None:
    """Measure everything into `run`."""
    async with running_upstream() as upstream:
        with ExitStack() as stack:
            agent = stack.enter_context(prepared(folder, upstream))
            token = await agent.make_token()
            ours = stack.enter_context(footprint.started(agent.service))
            port, relay_port = free_port(), free_port()
            stack.enter_context(footprint.started(relay.service(folder, relay_port, upstream)))
            theirs = (
                stack.enter_context(footprint.started(litellm.service(folder, port, upstream, [MODEL])))
                if with_litellm
                else None
            )
            parties = Parties(
                direct=Party(upstream),
                ours=Party(agent.address, bearer(token)),
                relay=Party(f"http://127.0.0.1:{relay_port}"),
                litellm=Party(f"http://127.0.0.1:{port}", bearer(litellm.KEY)) if theirs else None,
            )
            await run.add("idle memory", footprint.measure(parties, ours, theirs))
            await run.add("first token", misses.measure_first_tokens(parties, blocks=size.blocks))
            await run.add("streams at once", misses.measure_streams(parties, rounds=size.rounds, warm_up=1))
            await run.add("hits", hits.measure_answers(parties, count=size.hits))
            await run.add("the same at once", hits.measure_same(parties))
            await run.add("cache entries", entries.measure(parties, agent.cache_url))
            run.figures += [*parties.tally.figures(), *footprint.measure_after(ours, theirs)]


@click.command()
@click.option("--quick", is_flag=True, help="Fewer messages and rounds.")
@click.option("--skip-litellm", is_flag=True, help="Leave LiteLLM out.")
@outputs
def main(quick: bool, skip_litellm: bool, **where: Unpack[Outputs]) -> None:
    """Measure llm-agent beside LiteLLM and the direct call; ends with 1 where a limit is missed."""
    size = QUICK if quick else FULL
    conduct(
        Subject(command="python -m bench.gateway", product="llm-agent", beside="LiteLLM", section="last gateway run"),
        lambda run, folder: measure(run, size, folder, with_litellm=not skip_litellm),
        flags={"quick": quick, "skip-litellm": skip_litellm},
        seconds=LONGEST_RUN_SECONDS,
        **where,
    )


if __name__ == "__main__":
    main()
