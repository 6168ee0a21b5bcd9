# SPDX-License-Identifier: Apache-2.0
"""`pmem-csi-driver init` on a machine whose NVDIMMs nobody has touched. First of all tests, by its name."""

from guest import GIB, NVDIMMS

INIT = "pmem-csi-driver init"


def region_of(guest, role):
    """The region of an NVDIMM, by its size."""
    wanted = NVDIMMS[role]["gib"] * GIB
    return next(r["dev"] for r in guest.json("ndctl list -R") if r["size"] == wanted)


def look(guest):
    return guest.run("ndctl list -RN; vgs --noheadings -o vg_name,vg_size; cat /proc/partitions")


def init(guest, role, flags):
    """(exit status, lines) of a run for one region."""
    command = f"{INIT} --region-pattern {region_of(guest, role)} {flags}"
    *lines, status = guest.run(f"{command} 2>&1; echo $?", seconds=90).splitlines()
    return int(status), lines


def test_a_node_without_a_kind_is_not_touched(guest):
    before = look(guest)
    assert guest.run(INIT) == ""
    assert look(guest) == before


def test_a_region_becomes_a_volume_group_once(guest):
    region = region_of(guest, "lvm")
    group, number = f"pmemvgregion{region.removeprefix('region')}", NVDIMMS["lvm"]["gib"] * GIB
    before = look(guest)
    assert init(guest, "lvm", "--kind lvm") == (3, [
        f"{region}: left alone: its label area is not initialized (--init-labels does it)"])
    steps = [f"{region}: initialize the label areas of its NVDIMMs",
             f"{region}: create NVDIMM namespace {group} of {number} bytes, mode fsdax",
             f"{region}: create VolumeGroup {group} on NVDIMM namespace {group}"]
    assert init(guest, "lvm", "--kind lvm --init-labels --dry-run") == (0, steps)
    assert look(guest) == before
    assert init(guest, "lvm", "--kind lvm --init-labels") == (0, steps)
    assert guest.run("vgs --noheadings -o vg_name").split() == [group]
    assert init(guest, "lvm", "--kind lvm --init-labels") == (0, [])
    guest.run(f"vgremove -q {group} && ndctl destroy-namespace -f -r {region} all")


def test_what_cannot_be_looked_at_is_left_alone(guest):
    region = region_of(guest, "direct")
    name = f"namespace{region.removeprefix('region')}.0"
    refused = (3, [f"{region}: left alone: {name} has no block device: what is on it cannot be told"])
    device = next(n["blockdev"] for n in guest.json("ndctl list -N") if n["dev"] == name)
    guest.run(f"mkfs.ext4 -q /dev/{device} && ndctl disable-namespace {name}")
    assert init(guest, "direct", "--kind direct --init-labels") == refused
    guest.run(f"ndctl enable-namespace {name}")
    assert "TYPE=ext4" in guest.run(f"blkid -p -o export /dev/{device}")
    guest.run(f"wipefs -qa /dev/{device} && ndctl create-namespace -f -e {name} -m devdax --no-autolabel")
    assert init(guest, "direct", "--kind direct --init-labels") == refused
    assert guest.json("ndctl list -N")
    guest.run(f"ndctl create-namespace -f -e {name} -m raw --no-autolabel")


def test_a_foreign_file_system_and_a_foreign_namespace_are_left_alone(guest):
    region = region_of(guest, "direct")
    device = next(n["blockdev"] for n in guest.json("ndctl list -N") if n["dev"].startswith(
        f"namespace{region.removeprefix('region')}."))
    guest.run(f"mkfs.ext4 -q /dev/{device}")
    status, lines = init(guest, "direct", "--kind direct --init-labels")
    assert (status, lines) == (3, [f"{region}: left alone: /dev/{device} carries ext4"])
    guest.run(f"wipefs -qa /dev/{device}")
    assert init(guest, "direct", "--kind direct --init-labels") == (
        0, [f"{region}: initialize the label areas of its NVDIMMs"])
    guest.create_namespace(region, "256M", "by-hand")
    status, lines = init(guest, "direct", "--kind lvm")
    assert status == 3 and "(by-hand, 268435456 bytes) is there and not ours" in lines[0]
    guest.run(f"ndctl destroy-namespace -f -r {region} all")


def test_a_region_is_split(guest):
    region = region_of(guest, "direct")
    status, lines = init(guest, "direct", "--kind both --lvm-percent 50")
    group = f"pmemvgregion{region.removeprefix('region')}"
    assert (status, lines[0]) == (
        0, f"{region}: create NVDIMM namespace {group} of {3 * GIB // 2} bytes, mode fsdax")
    assert guest.run(f"cat /sys/bus/nd/devices/{region}/available_size") == f"{3 * GIB // 2}\n"
    assert init(guest, "direct", "--kind both --lvm-percent 50") == (0, [])
    guest.run(f"vgremove -q {group} && ndctl destroy-namespace -f -r {region} all")


def test_an_nvdimm_that_is_not_armed_is_left_alone(guest):
    status, lines = init(guest, "read_only", "--kind lvm --init-labels")
    assert status == 3 and "left alone" in lines[0]
