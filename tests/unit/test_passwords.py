"""What a password's hash costs whoever steals it."""

from appliance.identity import Passwords


async def test_a_hash_has_the_recommended_cost() -> None:
    passwords = Passwords(min_length=12)
    made = await passwords.hash("correct horse battery staple")
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=2$")
    assert await passwords.matches(made, "correct horse battery staple")
    assert not await passwords.matches(made, "correct horse battery stapler")
    assert not await passwords.matches(None, "a password that nobody has")
