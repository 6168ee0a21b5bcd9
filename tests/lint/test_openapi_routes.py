# SPDX-License-Identifier: Apache-2.0
"""Every route that the extender registers is described in openapi.json, and the other way round."""
import json
import pathlib
import re

EXTENDER = pathlib.Path(__file__).resolve().parents[2] / 'extender'
# Routes are literals in the code; one that ends in '/' stands for everything below it.
HANDLE = re.compile(r'\.Handle(?:Aside|Probe)?\(\s*"([A-Z]+)",\s*"(/[^"]*)"')
VERB = re.compile(r'\badd\("(/[^"]+)"')


def routes_of(text):
    return {(method, path) for method, path in HANDLE.findall(text)} | {('POST', path) for path in VERB.findall(text)}


def registered():
    return set().union(*(routes_of(path.read_text()) for path in EXTENDER.glob('*.cc')))


def described():
    paths = json.loads((EXTENDER / 'openapi.json').read_text())['paths']
    return {(method.upper(), path[: path.find('{')] if '{' in path else path) for path in paths for method in paths[path]}


def test_routes_and_document_are_the_same():
    assert registered() == described()
    assert len(described()) >= 14


def test_a_route_is_found_in_code():
    assert routes_of('server.Handle("GET", "/a", f); add("/b", &X::B);') == {('GET', '/a'), ('POST', '/b')}


def test_every_reference_of_the_document_is_defined():
    text = (EXTENDER / 'openapi.json').read_text()
    schemas = json.loads(text)['components']['schemas']
    used = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert used <= set(schemas)
    assert set(schemas) - used == set()
