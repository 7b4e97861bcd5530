"""Functions: how they are registered, found for a row, and called."""

from __future__ import annotations

from odibi_core.functions.binding import RESERVED_CONSTANTS, bind_arguments, check_call, misspelt_constants
from odibi_core.functions.context import (
    ExecutionContext,
    clear_context,
    get_current_context,
    set_current_context,
    use_context,
)
from odibi_core.functions.decorators import (
    odibi_function,
    pandas_function,
    spark_function,
    universal_function,
    with_context,
)
from odibi_core.functions.engines import ANY_ENGINE, Engine
from odibi_core.functions.origins import is_current
from odibi_core.functions.portability import FrameKind, PortableFrame
from odibi_core.functions.portable_calls import PortableCall
from odibi_core.functions.registry import REGISTRY, FunctionRegistry, RegisteredFunction
from odibi_core.functions.resolution import (
    FunctionExplanation,
    ResolutionStep,
    ResolvedFunction,
    explain_function,
    resolve_function,
)
from odibi_core.functions.signature import V2_NAMES, CallStyle, FunctionSignature, Parameter, Role, read_signature

__all__ = [
    "ANY_ENGINE",
    "REGISTRY",
    "RESERVED_CONSTANTS",
    "V2_NAMES",
    "CallStyle",
    "Engine",
    "ExecutionContext",
    "FrameKind",
    "FunctionExplanation",
    "FunctionRegistry",
    "FunctionSignature",
    "Parameter",
    "PortableCall",
    "PortableFrame",
    "RegisteredFunction",
    "ResolutionStep",
    "ResolvedFunction",
    "Role",
    "bind_arguments",
    "check_call",
    "clear_context",
    "explain_function",
    "get_current_context",
    "is_current",
    "misspelt_constants",
    "odibi_function",
    "pandas_function",
    "read_signature",
    "resolve_function",
    "set_current_context",
    "spark_function",
    "universal_function",
    "use_context",
    "with_context",
]
