"""Programming errors in words that a log may hold: what went wrong in the code, and where, never with what.

The text of an exception can quote whatever it was about: a claim, a key, a token. So a text is told only if it follows
from the code alone:

1. The interpreter, its standard library or a library of native code raised it (other Python code has a `raise` where it
   left), its class is one of `_TEMPLATES`, and it is one of the texts of that class in full. Their places hold types,
   functions, operators and numbers of arguments. A name (an attribute, a keyword) is told only if it stands as a name
   in the code that failed: `getattr(thing, received)` puts what was received in its place, `thing.name` does not.
2. Or a `raise` or `assert` raised it, and the text stands in that code as a constant sentence.

Of every other exception the kind is told, and where. The key of a KeyError is never told: it is as foreign as what it
was looked up for.
"""

import dis
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Final

_BESIDE: Final = frozenset({"rogues", "tests"})  # what runs from a checkout alone
OWN: Final = _BESIDE | {"wanderbuch", "__main__"}
_MAX_CAUSES: Final = 16
_MAX_TEXT: Final = 300
_RAISE: Final = dis.opmap["RAISE_VARARGS"]
_MASK: Final = "…"

# The parts of the interpreter's texts. {N}: a name that must stand in the code that failed.
_PARTS: Final = {
    "{T}": r"[A-Za-z_][\w.]{0,80}",
    "{F}": r"[A-Za-z_<][\w.<>]{0,120}\(\)",
    "{P}": r"'[A-Za-z_]\w{0,60}'(?:(?:, | and |, and )'[A-Za-z_]\w{0,60}')*",  # parameters of what was called
    "{N}": r"([^\n]{0,200}?)",
    "{I}": r"\d{1,4}",
    "{O}": r"[-+*/%@&|^<>=!~]{1,3}|\*\* or pow\(\)|in|divmod\(\)",
}
_TYPE_ERRORS: Final = (
    r"'{T}' object is not (?:callable|iterable|subscriptable|reversible|an iterator|an async iterator|a mapping)",
    r"'{T}' object does not support item (?:assignment|deletion)",
    r"'{T}' object does not support the (?:asynchronous )?context manager protocol(?: \(missed __a?exit__ method\))?",
    r"'{T}' object doesn't support item deletion",
    r"'{T}' object (?:cannot be interpreted as an integer|is not an? (?:async )?(?:iterator|iterable))",
    r"object {T} can't be used in 'await' expression",
    r"'async (?:for|with)' (?:requires|received) an object (?:with|from) __a(?:iter|next|enter)__"
    r"(?: method| that does not implement __anext__)?(?:, got|:) {T}",
    r"unsupported operand type\(s\) for (?:{O}): '{T}' and '{T}'",
    r"bad operand type for (?:unary (?:{O})|abs\(\)): '{T}'",
    r"'(?:{O})' not supported between instances of '{T}' and '{T}'",
    r"can only concatenate {T} \(not \"{T}\"\) to {T}",
    r"can't multiply sequence by non-int of type '{T}'",
    r"(?:argument|container) of type '{T}' is not (?:iterable|a container)",
    r"(?:cannot use '{T}' as a (?:dict key|set element) \()?unhashable type: '{T}'\)?",
    r"{T} indices must be integers(?: or slices)?, not '?{T}'?",
    r"cannot unpack non-iterable {T} object",
    r"object of type '{T}' has no len\(\)",
    r"expected str, bytes or os\.PathLike object, not {T}",
    r"sequence item {I}: expected (?:str|a bytes-like object)(?: instance)?, {T} found",
    r"a bytes-like object is required, not '{T}'",
    r"(?:decoding to str: )?need a bytes-like object, {T} found",
    r"{F} missing {I} required (?:positional|keyword-only) arguments?: {P}",
    r"{F} takes (?:from {I} to )?{I} positional arguments? but {I} (?:was|were) given",
    r"{F} takes (?:no|exactly one|at (?:least|most) {I}|exactly {I})(?: keyword| positional)? arguments?"
    r"(?: \({I} given\))?",
    r"{F} got an unexpected keyword argument '{N}'(?:\. Did you mean {P}\?)?",
    r"{F} got multiple values for (?:keyword )?argument '{N}'",
    r"{F} argument after \*\*? must be (?:a mapping|an iterable), not {T}",
    r"{F} argument (?:{I} |'{N}' )?must be (?:{T}|a string, a bytes-like object or a real number), not '?{T}'?",
    r"argument '{N}': '{T}' object cannot be (?:converted to|cast as|interpreted as an) '?{T}'?",
    r"argument '{N}': '{T}' object is not an instance of '{T}'",
    r"Object of type {T} is not JSON serializable",
    r"keys must be str, int, float, bool or None, not {T}",
    r"not (?:all arguments converted during string formatting|enough arguments for format string)",
    r"%[a-z] format: (?:a real number|an integer) is required, not {T}",
    r"can't (?:compare|subtract) offset-naive and offset-aware (?:datetimes|times)",
    r"isinstance\(\) arg 2 must be a type, a tuple of types, or a union",
    r"issubclass\(\) arg [12] must be a class(?:, a tuple of classes, or a union)?",
    r"exceptions must derive from BaseException",
    r"Can't instantiate abstract class {T} without an implementation for abstract methods? {P}",
    r"descriptor {P} for '{T}' objects doesn't apply to a '{T}' object",
    r"cannot convert '{T}' object to bytes",
    r"An asyncio\.Future, a coroutine or an awaitable is required",
)
_ATTRIBUTE_ERRORS: Final = (
    r"'{T}' object has no attribute '{N}'",
    r"(?:type object|module) '{T}' has no attribute '{N}'",
    r"'{T}' object attribute '{N}' is read-only",
    r"property '{N}' of '{T}' object has no (?:setter|getter|deleter)",
    r"'{T}' object has no attribute '{N}' and no __dict__ for setting new attributes",
)
_NAME_ERRORS: Final = (
    r"name '{N}' is not defined",
    r"cannot access (?:local|free) variable '{N}' where it is not associated with a value(?: in enclosing scope)?",
)
_INDEX_ERRORS: Final = (
    r"(?:list|tuple|string|range object|bytearray|deque|array) index out of range",
    r"(?:list|bytearray|array) assignment index out of range",
    r"index out of range",
    r"pop from (?:empty list|an empty deque)",
    r"pop index out of range",
)
_VALUE_ERRORS: Final = (
    r"not enough values to unpack \(expected (?:at least )?{I}, got {I}\)",
    r"too many values to unpack \(expected {I}(?:, got {I})?\)",
)
_RUNTIME_ERRORS: Final = (
    r"dictionary (?:changed size|keys changed) during iteration",
    r"Set changed size during iteration",
    r"deque mutated during iteration",
    r"Event loop is closed",
    r"no running event loop",
    r"cannot reuse already awaited coroutine",
    r"(?:async )?(?:coroutine|generator) raised Stop(?:Async)?Iteration",
    r"Session is closed",
)
_RECURSION_ERRORS: Final = (
    r"maximum recursion depth exceeded(?: while calling a Python object| in comparison"
    r"| while (?:en|de)coding a JSON (?:object|array)(?: from a unicode string)?)?",
)
_ARITHMETIC_ERRORS: Final = (
    r"(?:integer |float )?(?:division|modulo|floor division)(?: or modulo)? by zero",
    r"(?:Python )?int too large to convert to (?:float|C [a-z_]{1,12})",
)


def _compiled(*texts: str) -> tuple[re.Pattern[str], ...]:
    patterns = []
    for text in texts:
        pattern = text
        for part, meaning in _PARTS.items():
            pattern = pattern.replace(part, meaning)
        patterns.append(re.compile(pattern, re.ASCII))
    return tuple(patterns)


_TEMPLATES: Final[dict[type[BaseException], tuple[re.Pattern[str], ...]]] = {
    TypeError: _compiled(*_TYPE_ERRORS),
    AttributeError: _compiled(*_ATTRIBUTE_ERRORS),
    NameError: _compiled(*_NAME_ERRORS),
    UnboundLocalError: _compiled(*_NAME_ERRORS),
    IndexError: _compiled(*_INDEX_ERRORS),
    KeyError: (),
    AssertionError: (),
    NotImplementedError: (),
    RecursionError: _compiled(*_RECURSION_ERRORS),
    RuntimeError: _compiled(*_RUNTIME_ERRORS),
    ValueError: _compiled(*_VALUE_ERRORS),
    ZeroDivisionError: _compiled(*_ARITHMETIC_ERRORS),
    OverflowError: _compiled(*_ARITHMETIC_ERRORS),
}
# Also raised for what comes from outside, by constant texts that are as often about that.
_NO_SENTENCES: Final = frozenset({ValueError, KeyError})


def causes(err: BaseException) -> Iterator[BaseException]:
    """Give an exception, what it goes back to, and so on; of a group its first member."""
    link: BaseException | None = err
    for _ in range(_MAX_CAUSES):
        if link is None:
            return
        yield link
        link = link.exceptions[0] if isinstance(link, BaseExceptionGroup) else link.__cause__ or link.__context__


def fault_text(err: BaseException) -> str | None:
    """Return the text of a programming error; None where it could hold more than what stands in the code."""
    templates = _TEMPLATES.get(type(err))  # not of classes derived from them: those have texts of their own
    innermost = _innermost(err.__traceback__)
    if templates is None or innermost is None or len(err.args) != 1 or not isinstance(err.args[0], str):
        return None
    code, text = innermost.tb_frame.f_code, err.args[0]
    if len(text) > _MAX_TEXT:
        return None
    if code.co_code[innermost.tb_lasti] == _RAISE:
        if " " in text and text in code.co_consts and type(err) not in _NO_SENTENCES:
            return text
        if _top_package(innermost.tb_frame) not in sys.stdlib_module_names:
            return None
    for template in templates:
        if match := template.fullmatch(text):
            return _masked(match, _names(code))
    return None


def fault_place(err: BaseException) -> str | None:
    """Return file, line and function of the innermost frame of ours, of the first cause that has one; None without."""
    for cause in reversed(list(causes(err))):
        place: str | None = None
        trace = cause.__traceback__
        while trace is not None:
            if _top_package(trace.tb_frame) in OWN:
                place = f"{_file(trace.tb_frame)}:{trace.tb_lineno} {trace.tb_frame.f_code.co_name}"
            trace = trace.tb_next
        if place is not None:
            return place
    return None


def describe(err: BaseException) -> str:
    """Return in one line what a log may hold of an exception: kinds, the texts of programming errors, the place."""
    told = []
    for cause in causes(err):
        text = fault_text(cause)
        told.append(f"{type(cause).__qualname__}: {text}" if text else type(cause).__qualname__)
    place = fault_place(err)
    return " from ".join(told) + (f" at {place}" if place else "")


def _innermost(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _masked(match: re.Match[str], known: frozenset[str]) -> str:
    """Return a text without the names that do not stand in the code."""
    text = match[0]
    for number in range(len(match.groups()), 0, -1):
        if match[number] is not None and match[number] not in known:
            text = text[: match.start(number)] + _MASK + text[match.end(number) :]
    return text


def _names(code: CodeType) -> frozenset[str]:
    """Return the names that stand in code: variables, attributes, keywords of calls."""
    keywords = (name for group in code.co_consts if isinstance(group, tuple) for name in group)
    names = (*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars, *keywords)
    return frozenset(name for name in names if isinstance(name, str))


def _top_package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _file(frame: FrameType) -> str:
    """Return where a frame's file lies in the project."""
    package, _, module = str(frame.f_globals.get("__name__", "")).partition(".")
    name = Path(frame.f_code.co_filename).name
    folders = module.split(".") if name == "__init__.py" else module.split(".")[:-1]
    return "/".join((*((package,) if package in _BESIDE else ()), *filter(None, folders), name))
