"""Only what was tested is installed: every package and every JVM part has its checksum in the repository."""

import re
import shutil
from pathlib import Path

import pytest

from include.settings import ROOT
from include.stack.errors import StackError
from include.stack.fetch import checksums
from include.stack.fetch.parts import IVY_XML


def parts(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / "kafka").mkdir(exist_ok=True)
        (tmp_path / "kafka" / f"{name}.jar").write_text(text)
    return tmp_path


@pytest.fixture
def tested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checksums, "FILE", tmp_path / "jars.sha256")
    folder = tmp_path / "tested"
    folder.mkdir()
    checksums.write(parts(folder, broker="one", tools="two"))
    return folder


def test_the_tested_parts_pass_and_so_do_some_of_them(tested: Path):
    checksums.check(tested)
    (tested / "kafka" / "tools.jar").unlink()
    checksums.check(tested)


def test_a_part_that_was_changed_on_the_way_is_refused_by_name(tested: Path):
    with pytest.raises(StackError, match=r"kafka/broker\.jar") as raised:
        checksums.check(parts(tested, broker="another"))
    assert "mirror" in raised.value.remedy


def test_a_part_that_nobody_tested_is_refused(tested: Path):
    with pytest.raises(StackError, match=r"kafka/more\.jar"):
        checksums.check(parts(tested, more="three"))
    shutil.rmtree(tested / "kafka")
    with pytest.raises(StackError, match="all are missing"):
        checksums.check(tested)


def test_every_part_of_ivy_xml_has_a_checksum():
    listed = checksums.FILE.read_text()
    for name, revision in re.findall(r'name="([^"]+)" rev="([^"]+)"', IVY_XML.read_text()):
        assert re.search(rf"^[0-9a-f]{{64}}  \w+/{re.escape(f'{name}-{revision}')}\.(jar|zip)$", listed, re.M), name


def test_every_package_has_a_checksum():
    wanted = (ROOT / "requirements.txt").read_text().replace("\\\n", " ").splitlines()
    packages = [line for line in wanted if line and not line.startswith("#")]
    assert len(packages) > 100
    assert [line for line in packages if "--hash=sha256:" not in line] == []
