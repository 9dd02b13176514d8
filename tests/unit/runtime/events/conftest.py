from tests.unit.store.conftest import engine, open_another  # noqa: F401 (fixtures)
