"""A channel's name where an operator orders a pause: one that may be paused, else the record cannot be read."""

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function

from warnsys import registry


class _Pausable:
    """Asks the registry when a record is read, for the channels' files are made of records."""

    @staticmethod
    def names() -> tuple[str, ...]:
        return tuple(one.name for one in registry.CHANNELS.all() if one.pausable)

    def check(self, name: str) -> str:
        """A name that no channel has would stay in every city's state."""
        if name not in self.names():
            raise PydanticCustomError(
                "literal_error", "Input should be {expected}", {"expected": " or ".join(map(repr, self.names()))}
            )
        return name

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"enum": list(self.names()), "type": "string"}


PausableChannel = Annotated[str, _Pausable()]
