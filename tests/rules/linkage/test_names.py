"""Names: what is written, how it sounds, what dialects make of it, and what is no name."""

import pytest
from hypothesis import given

from rules.linkage.names import NameRead, read_name
from tests.rules.linkage.messy import HOSTILE, texts


def read(text: str) -> NameRead:
    name = read_name(text)
    assert name is not None
    return name


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("张伟", "张伟"),
        (" 張　偉 ", "张伟"),
        ("王 伟", "王伟"),
        ("王\u200b伟", "王伟"),
        ("张伟先生", "张伟"),
        ("欧阳女士", "欧阳"),
        ("张伟同志先生", "张伟"),
        ("姓名：张伟", "张伟"),
        ("申请人张伟", "张伟"),
        ("(张伟)", "张伟"),
        ("张伟（男，45岁）", "张伟"),
        ("张伟（曾用名张卫", "张伟"),
        ("张伟等3人", "张伟"),
        ("张伟，李芳", "张伟"),
        ("张伟/李芳", "张伟"),
        ("张伟2", "张伟"),
        ("张伟😀", "张伟"),
        ("阿依古丽·买买提", "阿依古丽买买提"),
        ("阿依古丽.买买提", "阿依古丽买买提"),
        ("阿依古丽．买买提", "阿依古丽买买提"),
        ("阿依古丽•买买提", "阿依古丽买买提"),
        ("阿依古丽 买买提", "阿依古丽买买提"),
        ("李𬱖", "李𬱖"),
        ("李&#x2CC56;", "李𬱖"),
        ("李\ue863", "李䶮"),
        ("⻢丽", "马丽"),
        ("王昇", "王升"),
        ("王喆", "王喆"),
        ("王哲", "王哲"),
        ("李乾", "李乾"),
        ("甯静", "宁静"),
        ("锺明", "钟明"),
        ("李？", "李?"),
        ("李*", "李?"),
        ("李□明", "李?明"),
        ("李某某", "李??"),
        ("张X", "张?"),
        ("张××", "张??"),
        ("李\ue123", "李?"),
        ("王（火+华）", "王?"),
        ("WANGWEI", "wangwei"),
        ("Wang Wei", "wangwei"),
        ("WÁNG Wěi", "wangwei"),
        ("李MIN", "李min"),
        ("Lyu Bu", "lvbu"),
        ("Wang Wei (王伟)", "王伟"),
        ("王伟 WANG WEI", "王伟"),
        ("李赟(yun)", "李赟"),
        ("Mr. John Smith", "johnsmith"),
    ],
)
def test_one_name_is_written_one_way(text: str, written: str) -> None:
    assert read(text).written == written


@pytest.mark.parametrize(
    "text", ["", "  ", "***", "？？", "某某", "不详", "无", "NULL", "未知", "12345", "😀", "（）", None]
)
def test_where_nothing_is_readable_there_is_no_name(text: str | None) -> None:
    assert read_name(text) is None


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("单雄信", "shan xiong xin"),
        ("王单", "wang dan"),
        ("仇和", "qiu he"),
        ("曾国藩", "zeng guo fan"),
        ("解晓东", "xie xiao dong"),
        ("查良镛", "zha liang yong"),
        ("区楚良", "ou chu liang"),
        ("朴志浩", "piao zhi hao"),
        ("盖叫天", "ge jiao tian"),
        ("尉迟恭", "yu chi gong"),
        ("万俟洛", "mo qi luo"),
        ("长孙无忌", "zhang sun wu ji"),
        ("覃辉", "qin hui"),
        ("吕布", "lv bu"),
        ("李𬱖", "li di"),
        ("李？", "li ?"),
        ("李min", "li min"),
        ("WANGWEI", "wang wei"),
        ("WangXiaoMing", "wang xiao ming"),
        ("ZHANGXIAN", "zhang xian"),
        ("FANGAN", "fan gan"),
        ("Xi'an Li", "xi an li"),
        ("Lǚ Bù", "lv bu"),
        ("Lv Bu", "lv bu"),
        ("lu: bu", "lv bu"),
        ("LYU BU", "lv bu"),
        ("wang2 wei3", "wang wei"),
        ("欧阳zhenhua", "ou yang zhen hua"),
        ("John Smith", "john smith"),
    ],
)
def test_characters_and_letters_sound_alike(text: str, sounds: str) -> None:
    assert read(text).sounds == tuple(sounds.split())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("刘宁", "牛林"),
        ("张帅", "臧衰"),
        ("陈胜", "岑森"),
        ("程英", "陈音"),
        ("方刚", "范甘"),
        ("吕芳", "鲁芳"),
        ("WANGWEI", "王伟"),
        ("王wei", "王伟"),
    ],
)
def test_what_dialects_do_not_tell_apart_folds_together(one: str, other: str) -> None:
    assert read(one).folded == read(other).folded
    assert read(one).surname_sound == read(other).surname_sound


@pytest.mark.parametrize(("one", "other"), [("王伟", "汪辉"), ("李娟", "李军"), ("黄飞", "房飞"), ("任强", "林强")])
def test_what_dialects_do_tell_apart_does_not(one: str, other: str) -> None:
    assert read(one).folded != read(other).folded


@pytest.mark.parametrize(
    ("text", "surname", "sound"),
    [
        ("王伟", "王", "wan"),
        ("欧阳娜", "欧阳", "ouyan"),
        ("欧阳", "欧阳", "ouyan"),
        ("东方", "东", "dong"),
        ("东方红霞", "东方", "dongfan"),
        ("單雄信", "单", "san"),
        ("张王淑芬", "张", "zan"),
        ("阿依古丽·买买提", "", "a"),
        ("WANG WEI", "", "wan"),
        ("?伟", "", ""),
    ],
)
def test_the_surname_stands_in_front(text: str, surname: str, sound: str) -> None:
    name = read(text)
    assert (name.surname, name.surname_sound) == (surname, sound)


@pytest.mark.parametrize(
    ("text", "former"),
    [
        ("张伟（曾用名张卫）", "张卫"),
        ("张伟(原名：張衛東)", "张卫东"),
        ("张伟 曾用名:张卫", "张卫"),
        ("张伟（又名 张大伟）", "张大伟"),
        ("张伟（曾用名张伟）", None),
        ("张伟（曾用名：无）", None),
        ("张伟（已故）", None),
    ],
)
def test_a_text_may_tell_a_former_name(text: str, former: str | None) -> None:
    name = read(text)
    assert (name.written, name.former) == ("张伟", former)


def test_a_name_stays_out_of_logs() -> None:
    assert "张" not in repr(read("张伟（曾用名张卫）"))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_read_or_not_and_never_raises(text: str) -> None:
    name = read_name(text)
    assert name is None or len(name.written) <= 50


@given(texts)
def test_reading_what_was_read_changes_nothing(text: str) -> None:
    name = read_name(text)
    if name is None:
        return
    again = read_name(name.written)
    assert again is not None
    assert again.written == name.written
    assert len(name.sounds) == len(name.folded)
    assert name.written.startswith(name.surname)
