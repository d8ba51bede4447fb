"""The functional API: entrypoints with `previous`, tasks whose results are kept."""

from typing import Any

from graph_runner import outline, outline_history, outline_stored, thread
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.types import Command, interrupt


async def test_an_entrypoint_gets_what_it_returned_last_time(saver, runner):
    async def run(on):
        @entrypoint(checkpointer=on)
        def collect(item: Any, *, previous: list[Any] | None = None) -> list[Any]:
            return [*(previous or []), item]

        config = thread()
        results = [await runner.invoke(collect, item, config) for item in ("a", 2, {"c": None})]
        history = outline_history(await runner.history(collect, config))
        return results, history, outline_stored(on.list(thread()))

    ours = await run(saver)
    assert ours[0] == [["a"], ["a", 2], ["a", 2, {"c": None}]]
    assert ours == await run(InMemorySaver())


async def test_what_is_saved_may_differ_from_what_is_returned(saver, runner):
    async def run(on):
        @entrypoint(checkpointer=on)
        def double(number: int, *, previous: int | None = None) -> Any:
            return entrypoint.final(value=previous, save=2 * number)

        return [await runner.invoke(double, number, thread()) for number in (3, 5, 7)]

    assert await run(saver) == [None, 6, 10]


async def test_tasks_that_finished_are_not_run_again_after_an_interrupt(saver, runner):
    async def run(on):
        calls: list[int] = []

        @task
        def slow_square(number: int) -> int:
            calls.append(number)
            return number**2

        def review_(numbers: list[int]) -> dict[str, Any]:
            squares = [slow_square(number).result() for number in numbers]
            return {"squares": squares, "verdict": interrupt({"squares": squares})}

        async def areview(numbers: list[int]) -> dict[str, Any]:
            squares = [await slow_square(number) for number in numbers]
            return {"squares": squares, "verdict": interrupt({"squares": squares})}

        review = entrypoint(checkpointer=on)(areview if runner.is_async else review_)
        await runner.invoke(review, [1, 2, 3], thread())
        waiting = await runner.state(review, thread())
        result = await runner.invoke(review, Command(resume="good"), thread())
        stored = outline_stored(on.list(thread()))
        return sorted(calls), outline(waiting)["interrupts"], result, stored

    ours = await run(saver)
    assert ours[:3] == (
        [1, 2, 3],
        [{"squares": [1, 4, 9]}],
        {"squares": [1, 4, 9], "verdict": "good"},
    )
    assert ours == await run(InMemorySaver())


async def test_twenty_parallel_tasks_and_the_sum_of_the_last_run(saver, runner):
    async def run(on):
        @task
        def cube(number: int) -> int:
            return number**3

        def finish(values: list[int], previous: int | None) -> Any:
            return entrypoint.final(value=(values, previous), save=sum(values))

        def cubes(count: int, *, previous: int | None = None) -> Any:
            futures = [cube(number) for number in range(count)]
            return finish([future.result() for future in futures], previous)

        async def acubes(count: int, *, previous: int | None = None) -> Any:
            futures = [cube(number) for number in range(count)]
            return finish([await future for future in futures], previous)

        workflow = entrypoint(checkpointer=on)(acubes if runner.is_async else cubes)
        first = await runner.invoke(workflow, 20, thread())
        return first, await runner.invoke(workflow, 3, thread())

    first, second = await run(saver)
    assert first == ([number**3 for number in range(20)], None)
    assert second == ([0, 1, 8], 36100)
    assert (first, second) == await run(InMemorySaver())
