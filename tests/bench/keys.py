"""The keys of `build/bench.json`: what each means, and its bar. Everything else that was found is in `details`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Key:
    """One figure.

    Args:
        title: what it is, in words.
        bar: what is wanted.
        at_least: the figure must not be below its bar; else it must not be above it.
    """

    title: str
    bar: float
    at_least: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether a figure keeps its bar."""
        return value >= self.bar if self.at_least else value <= self.bar


EXCHANGE: Final[Mapping[str, Key]] = {
    "issuer_cpu_over_crypto": Key("Issuer: invite, connect, offer, issue", 1.9),
    "issuer_issue_cpu_over_crypto": Key("Issuer: from the request on", 1.4),
    "holder_present_cpu_over_crypto": Key("Holder: present", 1.3),
    "verifier_cpu_over_crypto": Key("Verifier: ask and judge", 1.3),
    "holder_receive_cpu_over_crypto": Key("Holder: accept until stored", 1.15),
    "holder_connect_receive_cpu_over_crypto": Key("Holder: connect, accept until stored", 1.35),
}
STOCK: Final[Mapping[str, Key]] = {
    "verifier_thermometer_over_stock_predicate": Key("Verifier: ours by thermometer, stock by predicate", 0.45),
    "issuer_over_stock": Key("Issuer: invite, connect, offer, issue", 0.32),
    "holder_present_over_stock": Key("Holder: present", 0.55),
    "verifier_over_stock": Key("Verifier: ask and judge", 0.70),
}
WRITTEN: Final[Mapping[str, Key]] = {
    "issuer_kb_written": Key("Issuer: KB handed to the store, an issuance", 20),
    "holder_kb_written": Key("Holder: KB handed to the store, an issuance", 30),
}
WALLET: Final[Mapping[str, Key]] = {
    "present_500_over_1": Key("Holder: read and present with 500 credentials, over with one", 1.1),
}
LOAD: Final[Mapping[str, Key]] = {
    "presentations_lost": Key("Presentations lost under load", 0),
}
PROCESS: Final[Mapping[str, Key]] = {
    "agent_rss_over_stock": Key("Memory of a ready agent, over stock ACA-Py's", 1.1),
    "agent_ready_cpu_over_import": Key("CPU until ready, over importing ACA-Py's conductor", 1.7),
}
PROCESSES: Final[Mapping[str, Key]] = {
    "two_processes_cpu_over_one": Key("Two processes on PostgreSQL: CPU an issuance, over one", 1.1),
    "issuer_lock_waits_over_wall": Key("Two processes issue: share of the time in which one waits for a lock", 0.05),
    "verifier_lock_waits_over_wall": Key("Two processes verify: the same share", 0.05),
    "issuer_two_processes_over_one": Key("Two processes: issuances a second, over one", 1.7, at_least=True),
    "verifier_two_processes_over_one": Key("Two processes: verifications a second, over one", 1.7, at_least=True),
}
GOVERNANCE: Final[Mapping[str, Key]] = {
    "governance_load_over_parse": Key("CPU of verifying and loading, over parsing the same bytes", 3),
    "governance_bytes_each": Key("Bytes of memory for each accreditation", 600),
    "decision_us": Key("Median of decisions about random issuers, microseconds", 20),
    "decision_growth_1k_to_1m": Key("A decision among a million accreditations, over among a thousand", 2),
    "trqp_over_empty_handler": Key("TRQP answers a CPU second, over an empty handler's", 0.6, at_least=True),
}
TENANTS: Final[Mapping[str, Key]] = {
    "tenants_1000_rss_kb_each": Key("Memory of an open tenant, KiB", 60),
    "tenant_open_ms": Key("Opening a tenant, milliseconds", 30),
    "tenant_1000_over_1": Key("A verification at one of a thousand tenants, over at one alone", 1.1),
}
STORE: Final[Mapping[str, Key]] = {
    "store_two_processes_over_one": Key("Two processes on one store: reads and markers a second", 1.6, at_least=True),
}
RECORDS: Final[Mapping[str, Key]] = {
    "query_200k_records_over_empty": Key("The dearest look into a store of 200,000 records, over one of few", 1.2),
}
REGISTERS: Final[Mapping[str, Key]] = {
    "register_search_200k_over_1k": Key("The dearest search among 200,000 certificates, over among 1,000", 1.5),
}
ENVELOPES: Final[Mapping[str, Key]] = {
    "v2_pack_unpack_over_v1": Key("A DIDComm v2 message packed and opened, over one of v1 (X25519)", 1.5),
}
MEDIATOR: Final[Mapping[str, Key]] = {
    "mediator_cpu_over_raw_unpack": Key(
        "A message in, kept, delivered, acknowledged, over unpacking and packing it", 4
    ),
    "mediator_idle_rss_kb_each": Key("Memory of an idle wallet at a mediator behind a TLS proxy, KiB", 40),
}
WALLET_PAGE: Final[Mapping[str, Key]] = {
    "wallet_first_page_kb": Key("The first screen of the wallet in the page, in English, kB of brotli", 60),
    "wallet_whole_kb": Key("All that the wallet in the page fetches of its host, in English, kB of brotli", 120),
}
OFFLINE: Final[Mapping[str, Key]] = {
    "offline_read_s": Key("A desk reads an answer from codes, at 640 x 480, blurred, 10 pictures a second, s", 10),
}
WALLET_WALK: Final[Mapping[str, Key]] = {
    "first_credential_kb": Key("A first-time worker's certificate, all bytes over TLS both ways, kB", 250),
    "answer_kb": Key("Answering who asks, in another tab, all bytes over TLS both ways, kB", 60),
    "wallet_open_ms_6x": Key(
        "What a worker waits for: loading the page, and the book after the PIN, on a phone six times slower, ms", 1_500
    ),
    "wallet_scan_to_trusted_ms_6x": Key(
        "The same from a link to TRUSTED: loading it, the question after the PIN, the verdict after the yes, ms", 2_000
    ),
    "wallet_answer_50_kbit_s": Key("From a link to an answer that has arrived, 50 kbit/s and 600 ms, seconds", 25),
}
WALLET_PROOFS: Final[Mapping[str, Key]] = {
    "wallet_prove_ms_6x": Key("A proof with non-revocation, six times what it takes here, ms", 600),
    "wallet_present_500_over_1": Key("A proof from a book of 500 certificates, over one from a book of one (CPU)", 1.2),
}
JUDGING: Final[Mapping[str, Key]] = {
    "decision_share_of_crypto": Key("Deciding on an answer that was read, over verifying it by the raw library", 0.01),
    "case_replay_over_verify": Key("Opening a case file and deciding again, over verifying its answer", 1.3),
}
ASKING: Final[Mapping[str, Key]] = {
    "ask_cpu_over_crypto": Key("Putting a question in words (CPU), over verifying its answer by the raw library", 0.15),
    "verifier_makespan_over_crypto": Key(
        "200 answers at once, until decided, less others' CPU, over the library's on all cores", 1.4
    ),
}
BATCHES: Final[Mapping[str, Key]] = {
    "batch_10k_rss_growth_mb": Key("What an issuer's process grows by for a batch of ten thousand rows, MiB", 50),
    "slip_over_offer": Key("A claimed slip until its offer, over making the offer (CPU)", 4),
}
SLIPS: Final[Mapping[str, Key]] = {
    "slip_to_held_cpu_over_crypto": Key("Issuer: a class from its list to the last credential in a wallet", 1.9),
}
IMPORTING: Final[Mapping[str, Key]] = {
    "import_200k_rows_over_calamine": Key("A workbook of 200,000 rows read as it is seen, over its values alone", 15),
}
GROUPS: Final[Mapping[str, Mapping[str, Key]]] = {
    "Beside the raw library (CPU)": EXCHANGE,
    "Beside stock ACA-Py (CPU)": STOCK,
    "What is written": WRITTEN,
    "A large wallet (CPU)": WALLET,
    "Under load": LOAD,
    "A process": PROCESS,
    "Several processes": PROCESSES,
    "Governance files of a million accreditations": GOVERNANCE,
    "A thousand tenants": TENANTS,
    "A store on PostgreSQL": STORE,
    "A store of 200,000 records": RECORDS,
    "A register of 200,000 certificates": REGISTERS,
    "DIDComm v2": ENVELOPES,
    "A mediator": MEDIATOR,
    "The wallet in the page": WALLET_PAGE,
    "A worker's walk through it": WALLET_WALK,
    "Proofs in the page": WALLET_PROOFS,
    "Shown without a network": OFFLINE,
    "A decision": JUDGING,
    "Many questions": ASKING,
    "A batch": BATCHES,
    "A list": IMPORTING,
    "A class with slips": SLIPS,
}
KEYS: Final[Mapping[str, Key]] = {name: key for group in GROUPS.values() for name, key in group.items()}
