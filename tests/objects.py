"""An S3-compatible store for the tests: moto's server, of this process; nobody here wrote it.

def test_x(bucket: Bucket) -> None: ...      # an empty bucket

The libraries are read by whoever takes a bucket, not by each worker that collects the tests.
"""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from moto.server import ThreadedMotoServer
    from obstore.store import S3Store

ACCESS_KEY: Final = "wanderbuch"
SECRET: Final = "a-secret-of-the-tests"
REGION: Final = "us-east-1"
_NUMBERS = itertools.count()
_WRITING: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of a store that runs: its name, and where the store is."""

    name: str
    url: str

    def store(self, prefix: str = "org", *, retries: int = 0) -> "S3Store":
        """Return the bucket as the agent's publisher sees it."""
        from obstore.store import S3Store

        return S3Store(
            self.name, prefix=prefix, endpoint=self.url, region=REGION, access_key_id=ACCESS_KEY,
            secret_access_key=SECRET, client_options={"allow_http": True}, retry_config={"max_retries": retries},
        )  # fmt: skip

    def table(self, prefix: str = "org") -> dict[str, str]:
        """Return it as `[public.objects]`, without the secret."""
        return {"bucket": self.name, "prefix": prefix, "url": self.url, "access_key": ACCESS_KEY}

    @property
    def client(self) -> Any:
        """Return a client that is not ours."""
        return client(self.url)


def client(url: str) -> Any:
    """Return Amazon's client for a store."""
    import boto3

    return boto3.client(
        "s3", endpoint_url=url, region_name=REGION, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET
    )


def server(port: int = 0) -> "ThreadedMotoServer":
    """Return a store that is not started; all of one process hold the same buckets."""
    from moto.server import ThreadedMotoServer

    return ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    """Return where the store of this test process is.

    What is there is looked at and written in one step, as S3 promises (conditional writes); moto takes two, and lets
    another write come between them.
    """
    from moto.s3.responses import S3Response

    put = S3Response.put_object

    def put_in_one_step(self: S3Response) -> Any:
        with _WRITING:
            return put(self)

    store = server()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3Response, "put_object", put_in_one_step)
        store.start()
        host, port = store.get_host_and_port()
        yield f"http://{host}:{port}"
        store.stop()


@pytest.fixture
def bucket(object_store: str) -> Bucket:
    """An empty bucket."""
    made = Bucket(f"public-{next(_NUMBERS)}", object_store)
    made.client.create_bucket(Bucket=made.name)
    return made
