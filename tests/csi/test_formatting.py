# SPDX-License-Identifier: Apache-2.0
"""What a volume is formatted over, and what never: a damaged file system, somebody's raw data, a killed mkfs."""

import os
import pathlib
import shutil
import subprocess

import pytest

from calls import BLOCK, Refused, mounted
from harness import devices

GI = devices.GI
MI = 1 << 20
MARK_BEFORE_END_BYTES = 160 << 10
MARK = b'pmem-csi-driver: mkfs is under way'
LAYOUT = devices.layout([devices.volume_group(20 * GI)])


def image_of(driver, name):
    """The file behind a volume; nothing has it open after it was unstaged."""
    return next(pathlib.Path(f'{driver.devices.path}.volumes').glob(f'*.{name}'))


def overwrite(path, offset, data):
    with open(path, 'rb+') as image:
        image.seek(offset)
        image.write(data)


def is_marked(path):
    with open(path, 'rb') as image:
        image.seek(-MARK_BEFORE_END_BYTES, os.SEEK_END)
        return image.read(len(MARK)) == MARK


@pytest.mark.parametrize('file_system, superblock, repair', [
    ('ext4', 1024, ['e2fsck', '-fy', '-b', '32768']),
    ('xfs', 0, ['xfs_repair', '-f']),
])
def test_a_file_system_without_its_superblock_is_kept_for_repair(driver, file_system, superblock, repair):
    driver.start(LAYOUT)
    capability = mounted(file_system)
    driver.create('disk-1', 512 * MI, capability=capability)
    driver.stage('disk-1', capability)
    target = pathlib.Path(driver.publish('disk-1', capability))
    (target / 'data').write_text('kept')
    driver.unpublish('disk-1')
    driver.unstage('disk-1')
    overwrite(image_of(driver, 'disk-1'), superblock, bytes(512))  # As the kernel clears a media error.
    for _ in range(2):
        with pytest.raises(Refused, match='FAILED_PRECONDITION.*is not empty') as refused:
            driver.stage('disk-1', capability)
        has_copy = 'the copy of an ext4 superblock at block 32768' in refused.value.message
        assert has_copy == (file_system == 'ext4')
    driver.unstage('disk-1')
    subprocess.run([*repair, image_of(driver, 'disk-1')], capture_output=True, check=False)
    driver.stage('disk-1', capability)
    driver.publish('disk-1', capability)
    assert (target / 'data').read_text() == 'kept'
    driver.remove('disk-1')


def test_what_a_block_volume_holds_is_not_formatted_over(driver):
    driver.start(LAYOUT)
    driver.create('disk-1', 64 * MI, capability=BLOCK)
    driver.stage('disk-1', BLOCK)
    with open(driver.publish('disk-1', BLOCK), 'rb+', buffering=0) as device:
        device.seek(MI)
        device.write(b'data')
        os.fsync(device.fileno())
    driver.unpublish('disk-1')
    driver.unstage('disk-1')
    with pytest.raises(Refused, match='FAILED_PRECONDITION.*something at byte 1048576'):
        driver.stage('disk-1')
    driver.unstage('disk-1')
    driver.delete('disk-1')


def stage_with_a_mkfs_that_ends_the_driver(driver, program, before, capability):
    """`before`: what it does until then, a shell's words."""
    driver.replace_program(program, f'{before}; kill -9 $PPID')
    with pytest.raises(Refused, match='UNAVAILABLE'):
        driver.stage('disk-1', capability)
    (driver.programs / program).unlink()
    assert is_marked(image_of(driver, 'disk-1'))
    driver.start()
    driver.stage('disk-1', capability)
    assert not is_marked(image_of(driver, 'disk-1'))
    driver.unstage('disk-1')
    driver.delete('disk-1')


def test_what_a_killed_mkfs_left_is_formatted_by_the_next_stage(driver):
    """mkfs.ext4 writes its superblock last: before it, there is all of a file system but that."""
    driver.start(LAYOUT)
    driver.create('disk-1', 64 * MI)
    junk = 'for device; do :; done; echo descriptors | dd of=$device bs=4096 seek=1 conv=notrunc'
    stage_with_a_mkfs_that_ends_the_driver(driver, 'mkfs.ext4', junk, mounted())


@pytest.mark.parametrize('file_system, mib', [
    ('ext4', 4), ('ext4', 8), ('ext4', 64), ('ext4', 132), ('ext4', 384), ('ext4', 2048), ('ext4', 2052), ('ext4', 6148),
    ('xfs', 300), ('xfs', 304), ('xfs', 2052),
])
def test_no_mkfs_writes_where_its_mark_lies(driver, file_system, mib):
    driver.start(LAYOUT)
    capability = mounted(file_system)
    driver.create('disk-1', mib * MI, capability=capability)
    program = f'mkfs.{file_system}'
    stage_with_a_mkfs_that_ends_the_driver(driver, program, f'{shutil.which(program)} "$@"', capability)
