"""Writes docs/contracts from the models: JSON Schemas, AsyncAPI 3, OpenAPI, and an example of each record.

`kinds` says what stands on which topic, `schemas` and `documents` turn it into files, `samples` plays a bundled storm
for the examples. A new kind of record is found by itself where its reader in `warnsys.records` names it, else it is
one line in `kinds`.
"""
