# SPDX-License-Identifier: Apache-2.0
"""What tests of claims say and look at whose node the scheduler does not choose."""

from harness import objects, waiting


def selected_node(scene, claim_name):
    return scene.get_claim(claim_name)['metadata'].get('annotations', {}).get(objects.SELECTED_NODE)


def check_bad_pin(scene, node, text):
    """A claim that is pinned there gets an Event of ours that says why that cannot work."""
    claim = scene.claim('data', pinned_to=node)
    event = waiting.until(lambda: scene.events_of('data'), 'an Event of ours on the claim')[0]
    assert event['type'] == 'Warning'
    assert event['involvedObject']['uid'] == claim['metadata']['uid']
    assert f'node {node}' in event['message'] and text in event['message']


def immediate(scene):
    return scene.storage_class('now', {'pmemType': 'lvm'}, immediate=True)
