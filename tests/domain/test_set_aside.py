"""A city leaves out what it failed to settle, and calls nothing clear that the message may concern."""

from tests.support import City, meaning, outcome, snapshot, tick
from warnsys.pipeline import set_aside


def test_a_revision_that_a_city_could_not_take_in_clears_nothing() -> None:
    first = outcome("A", meaning(districts=["d1"])).model_copy(update={"digest": "one"})
    city = City().take(tick(0), first, snapshot(0, "A"))
    assert city.status("d2") == "clear"
    revised = outcome("A", meaning("Extreme", districts=["d1", "d2"]), stamp=5).model_copy(update={"digest": "other"})
    news = city.partition.learn(revised)
    city.partition.keep(news, {city.id: set_aside(city.state, news, "it failed", city.rules)})
    city.take(snapshot(5, "A"), tick(6))
    assert (city.status("d1"), city.status("d2")) == ("warned", "no_data")
    assert city.take(revised, snapshot(10, "A"), tick(11)).status("d2") == "warned"
