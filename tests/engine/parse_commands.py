"""Runs inside the engine environment: reads a JSON list of argument lists, and lets vLLM's own parser judge each.

Prints a JSON object of what is wrong, by index; empty when vLLM takes them all.
"""

import json
import sys

from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.reasoning import ReasoningParserManager
from vllm.tool_parsers import ToolParserManager
from vllm.utils.argparse_utils import FlexibleArgumentParser


class Refused(Exception):
    pass


class Parser(FlexibleArgumentParser):
    def error(self, message: str) -> None:
        raise Refused(message)


def main() -> None:
    parser = make_arg_parser(Parser())
    tools, thoughts = set(ToolParserManager.list_registered()), set(ReasoningParserManager.list_registered())
    wrong = {}
    for at, arguments in enumerate(json.load(sys.stdin)):
        try:
            found = parser.parse_args(arguments)
        except Refused as refusal:
            wrong[at] = str(refusal)
            continue
        if found.tool_call_parser and found.tool_call_parser not in tools:
            wrong[at] = f"no tool parser {found.tool_call_parser}"
        reasoning = getattr(found, "reasoning_parser", "") or found.structured_outputs_config.reasoning_parser
        if reasoning and reasoning not in thoughts:
            wrong[at] = f"no reasoning parser {reasoning}"
    json.dump(wrong, sys.stdout)


if __name__ == "__main__":
    main()
