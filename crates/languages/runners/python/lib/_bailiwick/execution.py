"""Running source text: one call is a run, several in the same instance are a session."""

from _bailiwick.own import BUILTINS as __builtins__

import atexit
import builtins
import re
import sys
import types
from ast import Expr, Expression
from json import JSONDecoder, JSONEncoder

from componentize_py_types import Err

from _bailiwick import filesystem, fresh, output, tracebacks
from _bailiwick.host import fitting, session, translate
from _bailiwick.loop import Waiter

_COMPILE = compile
_EVAL = eval
_TREE = 0x400  # ast.PyCF_ONLY_AST
_FLAGS = 0x2000  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_COROUTINE = 0x80
_MISSING = object()
_ENCODE = JSONEncoder(allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode
_ENCODE_ASCII = JSONEncoder(allow_nan=False, separators=(",", ":")).encode
_DECODE = JSONDecoder().decode
_HALVES = re.compile("[\ud800-\udfff]")
"""Half a surrogate pair: JSON can say it with an escape, UTF-8 cannot."""


class Runner:
    """The script's world: its globals, which live as long as the instance."""

    def __init__(self, tools):
        self._main = types.ModuleType("__main__")
        self._globals = vars(self._main)
        self._globals["__builtins__"] = builtins
        self._globals["tools"] = tools
        self._waiter = Waiter()
        self._input = None
        self._started = False

    def execute(self, source, name):
        """Runs source text called `name`. Raises `Err` with one line when the script fails."""
        if not self._started:
            self._started = True
            fresh.start()
            sys.modules["__main__"] = self._main
        failure = None
        try:
            self._offer(name)
            value, meant = self._evaluate(source, name)
            self._answer(value, meant)
        except SystemExit as error:
            failure = self._left(error)
        except BaseException as error:
            failure = self._failed(error)
        failure = self._end() or failure
        if failure is not None:
            raise Err(failure)

    def rehearse(self, source):
        """Build time: runs a program, and forgets that it did."""
        names, main = dict(self._globals), sys.modules["__main__"]
        self.execute(source, "rehearsal.py")
        self._globals.clear()
        self._globals.update(names)
        self._started, self._input = False, None
        sys.modules["__main__"] = main
        tracebacks.forget()

    def _offer(self, name):
        """Puts the run's input where the script finds it."""
        names = self._globals
        names["__file__"] = name
        text = session.input()
        if text != self._input:
            self._input = text
            names["input"] = _DECODE(text)
        arguments = session.arguments()
        names["args"] = arguments
        sys.argv[:] = [name, *arguments]

    def _evaluate(self, source, name):
        """Runs the source: its value, and whether that was meant as the result, as what it left in `result` is. The value of its last expression is its result only if it can be."""
        names = self._globals
        before = names.get("result", _MISSING)
        tracebacks.remember(name, source)
        tree = _COMPILE(source, name, "exec", _TREE, True)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], Expr) else None
        stores = False
        if tree.body:
            code = _COMPILE(tree, name, "exec", _FLAGS, True)
            stores = "result" in code.co_names
            self._run(code)
        value = None
        if last is not None:
            value = self._run(_COMPILE(Expression(last.value), name, "eval", _FLAGS, True))
        after = names.get("result", _MISSING)
        if after is not before or stores and last is None:
            return None if after is _MISSING else after, True
        return value, False

    def _run(self, code):
        value = _EVAL(code, self._globals)
        if code.co_flags & _COROUTINE:
            value = self._waiter.run(value)
        return value

    def _answer(self, value, meant=True):
        """Hands the value over as the run's result."""
        if value is None:
            return
        try:
            text = _ENCODE(value)
        except RecursionError:
            return self._unfit(meant, "it is nested too deeply")
        except (TypeError, ValueError) as error:
            return self._unfit(meant, error)
        if not text.isascii() and _HALVES.search(text):
            text = _ENCODE_ASCII(value)
        fitting(len(text), f"result of {len(text)} characters")
        try:
            session.set_result(text)
        except Err as error:
            failure = translate(error.value, f"result of {len(text)} characters")
        else:
            return
        raise failure

    def _unfit(self, meant, why):
        """There is no JSON for the value. A script that only ended with a call, such as that of a cursor, meant nothing by it."""
        if meant:
            raise TypeError(f"result is not JSON: {why}") from None
        output.flush()
        output.complain(f"note: no result: the value of the last expression is not JSON: {why}\n")

    def _left(self, error):
        """`sys.exit`."""
        code = error.code
        if code is None or code == 0 and isinstance(code, int):
            try:
                value = self._globals.get("result")
                self._answer(value)
            except BaseException as error:
                return self._failed(error)
            return None
        if not isinstance(code, int):
            output.flush()
            output.complain(f"{code}\n")
            code = 1
        return f"exit code {code}"

    def _failed(self, error):
        """Prints the traceback; returns the line for the host."""
        try:
            output.flush()
            text = tracebacks.text(error)
            hook = sys.excepthook
            if hook is sys.__excepthook__:
                output.complain(text)
            else:
                hook(type(error), error, error.__traceback__)
            return tracebacks.line(error)
        except BaseException:
            try:
                return type(error).__name__
            except BaseException:
                return "Error"

    def _end(self):
        """What the interpreter does when a program ends: exit hooks, and what is still in buffers."""
        failure = None
        if atexit._ncallbacks():
            try:
                atexit._run_exitfuncs()
            except BaseException as error:
                failure = self._failed(error)
        try:
            filesystem.flush()
        except BaseException as error:
            failure = self._failed(error)
        output.flush()
        return failure
