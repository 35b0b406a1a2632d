"""Stands in for `subprocess`, which libraries import for its names. Whatever would start a process raises `OSError`."""

import errno

PIPE, STDOUT, DEVNULL = -1, -2, -3

_REASON = "there are no processes; call a function, or a tool that the policy allows"


class SubprocessError(Exception):
    pass


class CalledProcessError(SubprocessError):
    def __init__(self, returncode, cmd, output=None, stderr=None):
        self.returncode, self.cmd, self.output, self.stderr = returncode, cmd, output, stderr


class TimeoutExpired(SubprocessError):
    def __init__(self, cmd, timeout, output=None, stderr=None):
        self.cmd, self.timeout, self.output, self.stderr = cmd, timeout, output, stderr


class CompletedProcess:
    def __init__(self, args, returncode, stdout=None, stderr=None):
        self.args, self.returncode, self.stdout, self.stderr = args, returncode, stdout, stderr


def _refuse(*arguments, **options):
    raise OSError(errno.ENOTSUP, _REASON)


class Popen:
    """Cannot be made."""

    def __init__(self, *arguments, **options):
        _refuse()


run = call = check_call = check_output = getoutput = getstatusoutput = _refuse


def list2cmdline(seq):
    import shlex

    return shlex.join(map(str, seq))
