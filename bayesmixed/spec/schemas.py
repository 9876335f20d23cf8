"""The JSON schema of spec files, from which editors check and complete them."""

import re
from inspect import getdoc
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from bayesmixed.families import DEFAULT_FAMILY, FAMILIES, parameter_names
from bayesmixed.families.links import LINKS
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.spec.parsing import ADDED
from bayesmixed.terms import TERMS
from bayesmixed.terms.covariances import COVARIANCES


def make_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a spec as written in TOML or JSON."""
    schema = ModelSpec.model_json_schema(schema_generator=_Generator)
    for name in ("Family", "Prior", "Residual"):
        schema["$defs"].pop(name)
    for kind, term in TERMS.items():
        entry = schema["$defs"][term.__name__]
        entry["required"] = sorted({"kind", *entry.get("required", ())})
        entry["properties"]["kind"] = {"const": kind}
        if "covariance" in entry["properties"]:
            entry["properties"]["covariance"] |= {"enum": list(COVARIANCES)}
    schema["properties"] = _properties(schema["properties"])
    # What a formula states must not be stated again.
    said = {**dict.fromkeys(("response", *ADDED), False), "predictors": {"properties": {"mu": False}}}
    return schema | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bayesmixed spec",
        "description": "A hierarchical model: a formula, or a response with predictors.",
        "required": [],
        "oneOf": [
            {"required": ["formula"], "properties": said},
            {"required": ["response", "predictors"], "properties": {"formula": False}},
        ],
    }


class _Generator(GenerateJsonSchema):
    """Leaves out what no file can hold, families as Python objects and nulls; takes descriptions from docstrings."""

    def dataclass_schema(self, schema: Any) -> JsonSchemaValue:
        return {}

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        found = super().default_schema(schema)
        return {key: value for key, value in found.items() if (key, value) != ("default", None)}

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        found = super().model_schema(schema)
        text = getdoc(schema["cls"]) or ""
        found["description"] = " ".join(text.partition("\n\n")[0].split())
        _describe(found["properties"], text)
        return found


def _properties(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields as a file has them: names for objects, one string for a list of one."""
    parameters = parameter_names()
    words: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    terms = {"anyOf": [{"type": "string", "pattern": "~"}, fields["predictors"]["additionalProperties"]]}
    link: dict[str, Any] = {"enum": list(LINKS)}
    written = {
        "family": {"enum": list(FAMILIES), "default": DEFAULT_FAMILY},
        "trials": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "links": {
            "type": "object",
            "propertyNames": {"enum": parameters},
            "additionalProperties": link,
        },
        "predictors": fields["predictors"] | {"propertyNames": {"enum": parameters}, "additionalProperties": terms},
        "priors": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
        "known": {"type": "object", "additionalProperties": {"type": "string"}},
        "factors": words,
        "crossed": words,
        "residual": {"type": "string", "pattern": r"\(.+\|.+\)"},
    }
    kept = {name: {"description": fields[name].get("description", "")} | entry for name, entry in written.items()}
    formula = {"type": "string", "description": 'The model in the notation of lme4: "y ~ x + (x | g)".'}
    one = link | {"description": "The link of the first parameter."}
    return {"formula": formula, "link": one, **fields, **kept}


def _describe(properties: dict[str, Any], docstring: str) -> None:
    """Add the attributes of a docstring to properties as their descriptions."""
    attributes = docstring.partition("Attributes\n----------\n")[2].partition("\n\n")[0]
    for match in re.finditer(r"^(\w[^:\n]*) : .*\n((?:    .*\n?)+)", attributes, flags=re.MULTILINE):
        for name in match[1].split(", "):
            if name in properties:
                properties[name]["description"] = " ".join(match[2].split())
