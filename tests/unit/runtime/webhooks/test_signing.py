import base64
import hashlib
import hmac

from wanderbuch.agents.runtime.webhooks.signing import new_secret, signed_headers

# The example of the specification's own libraries (standardwebhooks.com, "symmetric").
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_signs_as_the_specifications_example() -> None:
    assert signed_headers([SECRET], ID, AT, BODY) == {
        "webhook-id": ID,
        "webhook-timestamp": str(AT),
        "webhook-signature": SIGNATURE,
    }


def test_another_body_id_or_instant_has_another_signature() -> None:
    for changed in ((ID + "x", AT, BODY), (ID, AT + 1, BODY), (ID, AT, BODY + b" ")):
        assert signed_headers([SECRET], *changed)["webhook-signature"] != SIGNATURE


def test_signs_with_both_secrets_while_one_is_being_replaced() -> None:
    new = new_secret()
    first, second = signed_headers([new, SECRET], ID, AT, BODY)["webhook-signature"].split(" ")
    assert second == SIGNATURE
    key = base64.b64decode(new.removeprefix("whsec_"))
    signed = f"{ID}.{AT}.".encode() + BODY
    assert first == "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def test_secrets_are_fresh_and_long_enough() -> None:
    made = {new_secret() for _ in range(10)}
    assert len(made) == 10
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"))) == 32 for secret in made)
