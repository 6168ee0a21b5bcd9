# SPDX-License-Identifier: Apache-2.0
"""Two nodes join; what ships is applied; everything is ready."""

import cluster as clusters


def test_two_nodes_join(cluster, page):
    cluster.start_nodes(clusters.NODES)
    page.chapter('Two nodes with persistent memory')
    listed = page.kubectl('get nodes -o wide')
    assert listed.count(' Ready ') == 2
