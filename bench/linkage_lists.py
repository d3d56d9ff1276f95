"""Lists for invented reports: places, names, firms, what agencies get wrong and how often.

Division codes are the public GB/T 2260 list; surname weights are rounded national shares; given-name characters stand
in the order of their use, as published statistics of names have it. Nobody in them exists.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_words: Callable[[str], list[str]] = str.split

_SINGLE = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "章温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚"
    "岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)
_COMMONEST = (
    *(710, 700, 673, 510, 450, 310, 235, 210, 203, 192, 150, 145, 130, 129, 117, 112, 107, 102, 97, 95, 90, 83, 74, 73),
    *(71, 68, 64, 63, 61, 60, 59, 57, 57, 55, 54, 52, 52, 50, 49, 48, 48, 47, 46, 46, 45, 45, 45, 44, 43, 42),
)
_RARER = [round(41 - 0.36 * i, 1) for i in range(50)] + [round(22 * (1 - i / 260) ** 1.7, 1) for i in range(220)]
SURNAMES: dict[str, float] = dict(zip(_SINGLE, (*_COMMONEST, *_RARER), strict=False))
"""Weight for 10 000 people."""
COMPOUND = {"欧阳": 6.0, "上官": 0.7, "司马": 0.5, "诸葛": 0.5, "皇甫": 0.4, "令狐": 0.4, "司徒": 0.4, "夏侯": 0.2}
MALE = (
    "明国文华建军志海林伟平永成德金强生玉杰祥春荣辉新忠东福光兴小俊庆云洪学勇良涛清峰波鹏亮全振贵超正元飞立刚红龙世长友宝宇胜昌家斌民富江义晓安发兵才山广松中天浩利顺彬泽树瑞保武宏子坤喜有仁锋根阳大凯万进鑫"
    "和朝旭磊远亚启青传健先卫桂维继宗佳连银开少敏权善恩加水贤雷康智运锦晨培岩绍炳士向耀柏南如来均本雄道克方嘉思毅川景伦孝钢铁延廷守定占仕同显作盛麟通能征鸿兆达星益恒博贤书佑轩然昊睿哲翔帆航皓轩铭豪晗炎焕汉"
    "钧琦升宽勤奎其吉仲殿双满会希高乃月增功沛洋津勋淼晋诚良石业冠冬彦群喜钦相亭修化应跃代日木田风怀贺镇权凡童楠懿驰骏"
)
FEMALE = (
    "英秀玉兰丽梅珍华芳桂红凤艳小春玲香霞云淑金花荣美琴娟晓文爱燕芬平萍雪菊敏翠素莲芝明海清琼连静秋月婷慧彩芹亚娥妹娜瑞会永利建国佳丹惠新林青群志俊莉仙容君洁银巧学欣雨德洪梦冬杰欣怡庆立蓉倩颖琳碧娅侠莹枝珠"
    "娣雅先思风书伟娇颜宝诗怡琪瑶璐媛欢璇蕾薇菲茜妍嘉萱涵可依诺馨悦蕊芸芷婧瑜珊羽冰晶娴蓓露楠岚苗苹杏姣娇爽甜韵姗珂玫茹蔓黎贞洋凌宇心卉妮如忆灵辰纯竹菁葵滢潇源玥盈贤莎绮翎好双喜满焕腊元三四维东西永广长家从"
    "开来转换改变引弟招娣领群"
)
OTHER_CHARACTERS = "婧璋敬镜菁臻榛蓁琮骢曦熹禧烨晔筠沅媛苑芫"
"""Homophones nobody in the lists is called by."""
RARE = "彧赟翀喆堃玥玚頔旻祎犇骉懋霂晞煊翯𬱖𬍛𫍽㛃燚韡瓘黼劼赉珺綮"
"""Some lie outside the basic plane."""
MINORITY: list[tuple[list[str], str, list[str]]] = [
    (
        _words("阿依古丽 古丽娜尔 帕提古丽 热孜万古丽 买买提江 吾买尔 努尔兰 阿卜杜拉 哈丽旦 玛依拉 艾山江 图尔荪"),
        "·",
        _words("买买提 阿不都 艾力 吐尔逊 依明 玉素甫 卡德尔 哈比提 热合曼 司马义 肉孜 尼牙孜 沙吾提 库尔班"),
    ),
    (
        _words("扎西 卓玛 次仁 德吉 格桑 旺堆 央宗 洛桑 丹增 拉姆 索朗 白玛"),
        "",
        _words("多吉 央宗 旺堆 白珍 卓嘎 曲珍 平措 顿珠 次旦 拉姆 罗布 边巴"),
    ),
    (
        _words("乌云 斯琴 娜仁 苏日 巴特 额尔敦 敖登 萨仁 阿拉坦 哈斯"),
        "",
        _words("其木格 高娃 花 娜 尔 巴雅尔 图雅 格日勒 朝鲁 巴根"),
    ),
]
"""Three customs of naming: first part, joint, second part."""
TRADITIONAL = dict(
    zip(
        "张陈刘杨赵吴孙马罗郑谢韩冯邓许萧苏卢蒋贾叶钟谭陆邹龙万钱汤严伟丽国华军东兰凤云红庆刚强荣胜学义贵宝莹晓艳杰飞鹏鸿涛锋钢铁银锦梦琼芦颜庞兴会长广业凯宁齐顺开连",
        "張陳劉楊趙吳孫馬羅鄭謝韓馮鄧許蕭蘇盧蔣賈葉鍾譚陸鄒龍萬錢湯嚴偉麗國華軍東蘭鳳雲紅慶剛強榮勝學義貴寶瑩曉艷傑飛鵬鴻濤鋒鋼鐵銀錦夢瓊蘆顏龐興會長廣業凱寧齊順開連",
        strict=True,
    )
)
LOOKALIKE_GROUPS = _words(
    "未末 己已巳 日曰 土士 干千于 天夭 大太 人入 杨扬 晴睛 娟捐 铭名 钧钓 字宇 宁宇 建健 冶治 "
    "侯候 尚肖 崔催 凤风 园圆 兰三 洁浩 梅海 丽俪 辉挥 锋峰 清青 俊峻 春舂 红江 芹芬 苹萍 "
    "玲铃 燕熊 荣茶 学字 振震 莉利 瑞端 琪淇 惠慧 志忠 贵责 素紊 珍诊 金全 平乎 亮高 王玉 "
    "田由 付符 闫闰"
)
DIALECT_FOLDS = [("n", "l"), ("zh", "z"), ("ch", "c"), ("sh", "s"), ("ing", "in"), ("eng", "en"), ("ang", "an")]
EMP_FORMS = [("有限公司", 70), ("有限责任公司", 14), ("股份有限公司", 8), ("厂", 8)]
PHONE_PREFIX = _words("130 131 132 133 135 136 137 138 139 150 151 152 158 159 180 186 187 188 189 199")


@dataclass(frozen=True, slots=True)
class Setting:
    """Where reports come from: `areas`: county code to (prefecture, county, weight); `origins`: other birth places."""

    province: str
    areas: Mapping[str, tuple[str, str, int]]
    origins: Sequence[str]
    streets: Sequence[str]
    communities: Sequence[str]
    firms: Sequence[str]
    trades: Sequence[str]


HOME = Setting(
    province="湖北省",
    areas={
        "420102": ("武汉市", "江岸区", 9),
        "420103": ("武汉市", "江汉区", 7),
        "420104": ("武汉市", "硚口区", 8),
        "420105": ("武汉市", "汉阳区", 8),
        "420106": ("武汉市", "武昌区", 12),
        "420107": ("武汉市", "青山区", 9),
        "420111": ("武汉市", "洪山区", 14),
        "420112": ("武汉市", "东西湖区", 6),
        "420114": ("武汉市", "蔡甸区", 5),
        "420115": ("武汉市", "江夏区", 6),
        "420116": ("武汉市", "黄陂区", 7),
        "420117": ("武汉市", "新洲区", 6),
        "420602": ("襄阳市", "襄城区", 4),
        "420606": ("襄阳市", "樊城区", 6),
        "420607": ("襄阳市", "襄州区", 5),
        "420624": ("襄阳市", "南漳县", 3),
        "420625": ("襄阳市", "谷城县", 3),
        "420682": ("襄阳市", "老河口市", 3),
        "420683": ("襄阳市", "枣阳市", 5),
        "420684": ("襄阳市", "宜城市", 3),
    },
    origins=_words("411325 411503 340826 500234 511702 430722 360428 610728 522225 412822 421102 421003"),
    streets=_words(
        "建设 解放 中山 新华 和平 胜利 人民 红旗 东风 长江 汉江 光明 团结 友谊 幸福 五一 前进 "
        "钢花 冶金 工人村 民族 车站 城关 环城 沿江 黄鹤 紫阳 水果湖 珞珈 关山 花桥 永清"
    ),
    communities=_words("一 二 三 桥头 新村 花园 东湖 纺织 机床 锅炉厂 铁路 粮道 丁字桥 杨园 余家头 宝丰 常青 百步亭"),
    firms=_words(
        "华星 宏达 鑫源 长江 楚天 汉江 东风 恒通 永兴 金龙 江城 三环 九州 盛世 天元 兴业 中南 "
        "联合 福星 光谷 腾飞 泰和 瑞丰 国泰 新世纪 万里 顺达 同济 海天 华中 精诚 大桥 银泰 红星 "
        "五环"
    ),
    trades=_words(
        "机械 纺织 电子科技 建筑工程 物流 餐饮管理 化工 汽车零部件 服装 食品 商贸 物业管理 钢铁 印刷 劳务服务 医药"
    ),
)
"""The benchmark's own places."""
ELSEWHERE = Setting(
    province="四川省",
    areas={
        "510104": ("成都市", "锦江区", 9),
        "510105": ("成都市", "青羊区", 9),
        "510106": ("成都市", "金牛区", 11),
        "510107": ("成都市", "武侯区", 12),
        "510108": ("成都市", "成华区", 10),
        "510112": ("成都市", "龙泉驿区", 8),
        "510114": ("成都市", "新都区", 8),
        "510302": ("自贡市", "自流井区", 5),
        "510304": ("自贡市", "大安区", 5),
        "510502": ("泸州市", "江阳区", 6),
        "510521": ("泸州市", "泸县", 6),
        "510603": ("德阳市", "旌阳区", 6),
        "510681": ("德阳市", "广汉市", 5),
        "510683": ("德阳市", "绵竹市", 4),
        "511302": ("南充市", "顺庆区", 6),
        "511321": ("南充市", "南部县", 6),
        "513401": ("凉山彝族自治州", "西昌市", 4),
        "513425": ("凉山彝族自治州", "会理县", 2),
    },
    origins=_words("500101 500236 520302 530602 610722 621202 330182 440303 370982 130525"),
    streets=_words(
        "玉林 桐梓林 双林 跳伞塔 抚琴 茶店子 驷马桥 万年场 猛追湾 书院街 合江亭 盐市口 草市街 "
        "西御河 府南 金沙 光华 黄忠 沙河源 天回 洛带 大面 石板滩 郭家沱 汇东 五星街 南城 大山铺 "
        "蓝田 华阳 孝感 旌东 城南 汉旺 剑南 北湖 舞凤 建兴 长安"
    ),
    communities=_words(
        "玉双 望平 青龙 水碾河 建材 磨子桥 红瓦寺 草堂 银沙 花牌坊 曹家巷 荷花池 双桥子 牛市口 "
        "东光 盐井 釜溪 龙透关 七星 白塔 果州"
    ),
    firms=_words(
        "蜀都 川江 锦城 天府 岷山 峨嵋 青羊 巴蜀 金沙 武侯 龙泉 通威 川南 沱江 自流井 盐都 泸江 "
        "华西 新希望 汇源 攀西 嘉陵 果城 剑门 东汽 什邡 绵远 双流 成飞 红光 国光 宏明 亚光 前锋 "
        "旭光"
    ),
    trades=_words(
        "丝绸 酿酒 机床 化学工业 盐业 灯饰 火锅餐饮 皮革制品 锅炉 玻璃 电器 家具 建设工程 运输 "
        "超市连锁 保安服务 农业开发 精密铸造"
    ),
)
"""Places no model was trained on."""
SOUTHERN: dict[str, float] = {
    **{name: weight * 0.45 for name, weight in SURNAMES.items()},
    **dict(zip("陈林黄刘李何罗邓曾谢唐叶廖钟彭梁蔡许苏郑卢赖温邱江范游简涂翁", range(640, 30, -20), strict=False)),
}
"""Shares about as in the south: fewer surnames for more people."""

AGENCIES: dict[str, dict[str, Any]] = {
    "union": {
        "weight": 40,
        "id_missing": 0.35,
        "phone_missing": 0.08,
        "birth_missing": 0.15,
        "sex_missing": 0.03,
        "addr_missing": 0.1,
        "emp_missing": 0.08,
        "uscc_missing": 0.65,
        "hh_missing": 0.85,
        "members": 0.35,
        "addr_level": (0.05, 0.3, 0.45, 0.2),
        "id_typo": 0.03,
        "id_15": 0.015,
        "id_masked": 0.01,
        "name_err": 0.055,
        "dob_err": 0.04,
        "phone_err": 0.02,
        "phone_officer": 0.015,
    },
    "labour": {
        "weight": 25,
        "id_missing": 0.1,
        "phone_missing": 0.12,
        "birth_missing": 0.05,
        "sex_missing": 0.01,
        "addr_missing": 0.25,
        "emp_missing": 0.03,
        "uscc_missing": 0.2,
        "hh_missing": 0.97,
        "members": 0.0,
        "addr_level": (0.3, 0.3, 0.25, 0.15),
        "id_typo": 0.012,
        "id_15": 0.03,
        "id_masked": 0.005,
        "name_err": 0.03,
        "dob_err": 0.02,
        "phone_err": 0.015,
        "phone_officer": 0.02,
    },
    "finance": {
        "weight": 20,
        "id_missing": 0.25,
        "phone_missing": 0.3,
        "birth_missing": 0.3,
        "sex_missing": 0.1,
        "addr_missing": 0.05,
        "emp_missing": 0.45,
        "uscc_missing": 0.5,
        "hh_missing": 0.3,
        "members": 0.55,
        "addr_level": (0.02, 0.13, 0.35, 0.5),
        "id_typo": 0.02,
        "id_15": 0.01,
        "id_masked": 0.06,
        "name_err": 0.04,
        "dob_err": 0.03,
        "phone_err": 0.02,
        "phone_officer": 0.005,
    },
    "judicial": {
        "weight": 15,
        "id_missing": 0.48,
        "phone_missing": 0.25,
        "birth_missing": 0.2,
        "sex_missing": 0.02,
        "addr_missing": 0.15,
        "emp_missing": 0.2,
        "uscc_missing": 0.75,
        "hh_missing": 0.99,
        "members": 0.05,
        "addr_level": (0.25, 0.4, 0.25, 0.1),
        "id_typo": 0.025,
        "id_15": 0.01,
        "id_masked": 0.03,
        "name_err": 0.065,
        "dob_err": 0.05,
        "phone_err": 0.025,
        "phone_officer": 0.01,
    },
}
"""Probabilities for each agency: "missing" is what it never collected, the rest is conditional on presence."""
NAME_ERRORS = [
    ("homophone", 40),
    ("dialect", 8),
    ("lookalike", 17),
    ("traditional", 12),
    ("spacing", 13),
    ("swap", 4),
    ("dropped_char", 4),
    ("former_name", 2),
]
DOB_ERRORS = [("lunar", 40), ("month_day_swapped", 15), ("one_digit", 20), ("year_off", 15), ("january_first", 10)]
DOB_PRECISION = [("day", 92), ("month", 4), ("year", 4)]
REPORTS_PER_PERSON = [(1, 46), (2, 27), (3, 14), (4, 8), (5, 3), (6, 2)]
TRAPS = {"twin": 0.006, "namesake_county_year": 0.02, "namesake_same_birthday": 0.001, "parent_child_homophone": 0.003}
RARE_GIVEN = 0.015
"""Share of people with a rare character,"""
RARE_LOST = 0.35
"""and how often an agency's form cannot hold it."""
MINORITY_SHARE = 0.01
PHONE_CHANGED_PER_YEAR = 0.12
SHARED_PHONE = 0.22
"""Family members without a number of their own."""
MOVED = 0.07
"""Households that moved once during the reporting years."""
HUKOU_PLACE = 0.04
"""Reports that give the place of registration instead of the residence."""
EMP_RENAMED = 0.12
EMP_VARIANT = 0.35
"""Abbreviated or otherwise written."""
YEARS = (2022, 2026)

LUNAR = _words(
    "47016ca 3601b55 2652ab5 44014da 3301a5d 2332a57 420152b 308352a 4801e95 38016aa 27635aa "
    "4501ab5 35014b6 24434ae 4301a57 3201526 2033d26 3901d95 2972b55 470156a 360196d 265295d "
    "45014ad 3301a4d 2243a4d 4101d25 3083aa5 4801b54 3701b5a 27632da 460195b 350149b 2443497 "
    "4301a4b 32a364b 50016a5 39016d4 28635b4 4701ab6 3601957 265292f 4501497 340164b 2232d4a "
    "4001ea5 3082d65 49015ac 3701ab6 275326d 460192e 3501c96 2343a95 4201d4a 3101da5 2122b55 "
    "390156a 287355b 480125d 370192d 255392b 4401a95"
)
"""From 1950: day of the year of the lunar new year (2 digits), leap month (hex), long months as bits (hex)."""
