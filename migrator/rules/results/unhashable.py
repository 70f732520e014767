"""Parameters of tasks that Prefect 3 cannot hash, by their annotations."""

from __future__ import annotations

import ast
from typing import Optional

from migrator.model.module import Definition, Module
from migrator.model.names import last_name

_UNHASHABLE = frozenset(
    {
        *(f"threading.{name}" for name in ("Lock", "RLock", "Event", "Condition", "Semaphore", "BoundedSemaphore")),
        *(f"threading.{name}" for name in ("Barrier", "Thread", "local")),
        *(f"queue.{name}" for name in ("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue")),
        *(f"concurrent.futures.{name}" for name in ("ThreadPoolExecutor", "ProcessPoolExecutor", "Executor", "Future")),
        *("socket.socket", "ssl.SSLContext", "sqlite3.Connection", "subprocess.Popen", "zipfile.ZipFile"),
        *("httpx.Client", "httpx.AsyncClient"),
        *(f"sqlalchemy{home}.Engine" for home in ("", ".engine", ".engine.base", ".future")),
        *(f"sqlalchemy{home}.Connection" for home in ("", ".engine", ".engine.base", ".future")),
        *(f"sqlalchemy.orm{home}.{name}" for home in ("", ".session") for name in ("Session", "sessionmaker")),
        *(f"sqlalchemy.ext.asyncio{home}.AsyncEngine" for home in ("", ".engine")),
    }
)
"""Classes of which an instance raised `HashError` in `prefect.utilities.hashing.hash_objects` of 3.8.8 (`Executor` is the base of two)."""
_WORDS = frozenset(name.rpartition(".")[2] for name in _UNHASHABLE)
_NOT_AN_INSTANCE = frozenset({"Callable", "Type", "type", "Literal"})


def unhashable_parameter(task: Definition) -> Optional[str]:
    """The name of the first parameter whose annotation is, or holds, a class that cannot be hashed."""
    function = task.function
    if function is None:
        return None
    arguments = function.args
    module = task.function_module or task.module
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if argument.annotation is not None and _is_unhashable(argument.annotation, module):
            return argument.arg
    return None


def _is_unhashable(annotation: ast.expr, module: Module) -> bool:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except (SyntaxError, ValueError):
            return False
    nodes = list(ast.walk(annotation))
    if any(last_name(node) in _NOT_AN_INSTANCE for node in nodes):
        return False
    return any(last_name(node) in _WORDS and _qualified(node, module) in _UNHASHABLE for node in nodes)


def _qualified(node: ast.AST, module: Module) -> str:
    """The dotted name that a name or attribute stands for, by the imports at the top of the module."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    for statement in module.tree.body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if (alias.asname or alias.name.split(".")[0]) == node.id:
                    return ".".join([alias.name if alias.asname else node.id, *names])
        elif isinstance(statement, ast.ImportFrom) and not statement.level:
            for alias in statement.names:
                if (alias.asname or alias.name) == node.id:
                    return ".".join([statement.module or "", alias.name, *names])
    return ""
