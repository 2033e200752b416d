"""Print what docs/reference/recipes.md says of terms, and its tables of settings, from what recipes are checked by."""

from __future__ import annotations

from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tinct.training.config import TERMS, TrainConfig


def terms() -> str:
    """Return the sentence about the terms of a loss that each kind of model can have."""
    outputs = dict.fromkeys(output for outputs in TERMS.values() for output in outputs)
    lacking = {output: [f"`{term}`" for term in TERMS if output not in TERMS[term]] for output in outputs}
    said = [
        f"`{output}` all but {' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))}"
        if names
        else f"`{output}` all of them"
        for output, names in sorted(lacking.items(), key=lambda item: len(item[1]))
    ]
    return f"Which terms a model can have, by what it gives ([architectures](architectures.md)): {'; '.join(said)}."


def sections() -> dict[str, type[BaseModel]]:
    """Return the parts of a recipe by their keys; that of single settings is empty."""
    found: dict[str, type[BaseModel]] = {"": TrainConfig}
    for name, field in TrainConfig.model_fields.items():
        section = _section(field)
        if section is not None:
            found[name] = section
    return found


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
    return next((kind for kind in kinds if issubclass(kind, BaseModel)), None)


def tables() -> list[str]:
    """Return the lines of all tables, in Markdown."""
    lines: list[str] = []
    for name, section in sections().items():
        lines += [f"## `{name}`" if name else "## Single settings", ""]
        if name:
            lines += [" ".join((section.__doc__ or "").split()), ""]
        if name and NoneType in get_args(TrainConfig.model_fields[name].annotation):
            lines += [
                "Left out unless a recipe has it; `{}` takes all defaults."
                if _optional(section)
                else "Left out unless a recipe has it.",
                "",
            ]
        lines += ["| setting | default | meaning |", "|---|---|---|"]
        for key, field in section.model_fields.items():
            if _section(field) is None:
                lines.append(f"| `{key}` | {_default(field)} | {' '.join((field.description or '').split())} |")
        lines.append("")
    return lines


def _optional(section: type[BaseModel]) -> bool:
    return not any(field.is_required() for field in section.model_fields.values())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    return f"`{_yaml(field.default)}`" if field.default not in (None, (), {}) else "none"


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(entry)}" for key, entry in value.items()) + "}"
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print("\n".join([terms(), "", *tables()]))
