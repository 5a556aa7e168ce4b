"""A selection restricts every step after the listing, and never more than that."""

from collections.abc import Sequence

from gogobe_dagster import pipeline
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.selection import FileSelection
from gogobe_dagster.replica.generator.ground_truth import published_prices
from gogobe_dagster_tests.import_env import ImportEnv, midnight, yesterday
from gogobe_dagster_tests.pipeline.feed_scenario import import_all

KESHET = find_feed("keshet")


def import_some(env: ImportEnv, selection: FileSelection, steps: Sequence[str]) -> None:
    """Run these steps for some files."""
    pipeline.discover(KESHET, [yesterday()], env.resources)
    if "download" in steps:
        pipeline.download(KESHET, [yesterday()], env.resources, selection)
    if "parse" in steps:
        for batch in pipeline.plan(KESHET, [yesterday()], env.resources, selection):
            pipeline.parse(batch, KESHET, env.resources)
    if "load" in steps:
        for document in pipeline.LOADERS:
            pipeline.load(document, KESHET, [yesterday()], env.resources, selection)


def test_a_limited_import_takes_its_files_once_and_a_full_one_the_rest(import_env: ImportEnv) -> None:
    market = import_env.publish("keshet")
    first_three, all_steps = FileSelection(limit=3), ["download", "parse", "load"]

    for _ in range(2):  # the second finds that the three are loaded, and takes no others
        import_some(import_env, first_three, all_steps)
        states = list(import_env.states("keshet").values())
        assert states.count("loaded") == 3
        assert states.count("discovered") == len(states) - 3
    left_out = pipeline.left_out(KESHET, [yesterday()], import_env.resources, first_three)
    assert len(left_out) == len(states) - 3

    import_all(import_env, "keshet")

    truth = published_prices(market, KESHET, now=midnight(), first_day=yesterday())
    assert import_env.prices("keshet") == {tuple(key): priced.price for key, priced in truth.items()}
    assert set(import_env.states("keshet").values()) == {"loaded"}


def test_files_that_an_interrupted_run_left_half_done_are_left_out_too(import_env: ImportEnv) -> None:
    import_env.publish("keshet")
    everything, store_lists = FileSelection(), FileSelection.of_values({"kinds": ["stores"]})
    import_some(import_env, everything, ["download", "parse"])

    import_some(import_env, store_lists, ["download", "parse", "load"])

    states = import_env.states("keshet")
    loaded = {name for name, state in states.items() if state == "loaded"}
    assert loaded == {name for name in states if name.lower().startswith("stores")} != set()
    assert set(states.values()) == {"loaded", "parsed"}
