"""Each workbook and the cells of its first sheet, as openpyxl finds them, as JSON. A warning of openpyxl is an error."""

import datetime
import json
import sys
import warnings

import openpyxl


def describe(value):
    if value is None:
        return {"kind": "nothing"}
    if isinstance(value, bool):
        return {"kind": "boolean", "value": value}
    if isinstance(value, (int, float)):
        return {"kind": "number", "value": value}
    if isinstance(value, datetime.time):
        return {"kind": "time", "iso": "1970-01-01T" + value.isoformat("milliseconds")}
    if isinstance(value, datetime.datetime):
        return {"kind": "time", "iso": value.isoformat(timespec="milliseconds")}
    return {"kind": "text", "text": value}


def read(path):
    workbook = openpyxl.load_workbook(path)
    sheet = workbook.worksheets[0]
    return {
        "names": workbook.sheetnames,
        "frozenAt": sheet.freeze_panes,
        "filtered": sheet.auto_filter.ref,
        "cells": [[describe(cell.value) for cell in row] for row in sheet.iter_rows()],
    }


warnings.simplefilter("error")
json.dump([read(path) for path in sys.argv[1:]], sys.stdout)
