"""Screens, translations, and the ways between them."""

from kikao import Chat, Choice, Flows, Number, Text, t, tn

flows = Flows()

TOWNS = [f"Town {number}" for number in range(1, 41)]


@flows.flow("news", title=t("News"))
async def news(chat: Chat) -> None:
    await chat.ask("ok", Choice(["OK"]), t("Prices are new"))  # fault: K101 sw
    await chat.end(t("Done."))


@flows.flow("letters", title=t("Letters"))
async def letters(chat: Chat) -> None:
    await chat.ask("ok", Choice(["OK"]), t("Cattle"))
    await chat.end(t("Done."))


@flows.flow("towns", title=t("Towns"))
async def towns(chat: Chat) -> None:
    town = await chat.ask("town", Choice(TOWNS), t("Town"))  # fault: K104
    await chat.end(t("You live in {town}.", town=town))


@flows.flow("label", title=t("Label"))
async def label(chat: Chat) -> None:
    await chat.ask("which", Choice(["One", "T" + 200 * "w" + "o"]), t("Label"))  # fault: K105
    await chat.end(t("Done."))


@flows.flow("words", title=t("Words"))
async def words(chat: Chat) -> None:
    count = await chat.ask("count", Number(min=1, max=9), t("How many"))
    await chat.say(tn("{n} cup", "Some cups", count))  # fault: K204
    await chat.say("Thank you.")  # fault: K208
    await chat.end(t("Bye"))


@flows.flow("loop", title=t("Loop"))
async def loop(chat: Chat) -> None:
    while True:
        await chat.ask("again", Choice(["OK"]), t("Again"))  # fault: K303


@flows.flow("twice", title=t("Twice"))
async def twice(chat: Chat) -> None:
    await chat.ask("name", Text(max=9), t("Name"))
    await chat.ask("name", Text(max=9), t("Other name"))  # fault: K302
    await chat.end(t("Done."))
