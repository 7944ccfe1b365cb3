"""Countries by other names, and those whose electricity is in no table."""

from __future__ import annotations

from typing import Final

ALIASES: Final[dict[str, str]] = {
    "UK": "GB", "GREAT BRITAIN": "GB", "ENGLAND": "GB", "SCOTLAND": "GB", "WALES": "GB",
    "EL": "GR", "TURKEY": "TR", "CZECH REPUBLIC": "CZ", "HOLLAND": "NL", "IVORY COAST": "CI",
    "BURMA": "MM", "SWAZILAND": "SZ", "CAPE VERDE": "CV", "MACAU": "MO", "AMERICA": "US",
    "UNITED STATES OF AMERICA": "US", "EMIRATES": "AE",
}  # fmt: skip
WITHOUT_FIGURE: Final[dict[str, tuple[str, str]]] = {
    "AD": ("AND", "Andorra"), "AI": ("AIA", "Anguilla"), "AQ": ("ATA", "Antarctica"),
    "AX": ("ALA", "Åland Islands"), "BL": ("BLM", "Saint Barthélemy"),
    "BQ": ("BES", "Caribbean Netherlands"), "BV": ("BVT", "Bouvet Island"),
    "CC": ("CCK", "Cocos Islands"), "CW": ("CUW", "Curaçao"), "CX": ("CXR", "Christmas Island"),
    "FM": ("FSM", "Micronesia"), "GG": ("GGY", "Guernsey"),
    "GS": ("SGS", "South Georgia and the South Sandwich Islands"),
    "HM": ("HMD", "Heard Island and McDonald Islands"), "IM": ("IMN", "Isle of Man"),
    "IO": ("IOT", "British Indian Ocean Territory"), "JE": ("JEY", "Jersey"),
    "LI": ("LIE", "Liechtenstein"), "MC": ("MCO", "Monaco"), "MF": ("MAF", "Saint Martin"),
    "MH": ("MHL", "Marshall Islands"), "MP": ("MNP", "Northern Mariana Islands"),
    "NF": ("NFK", "Norfolk Island"), "NU": ("NIU", "Niue"), "PN": ("PCN", "Pitcairn"),
    "PW": ("PLW", "Palau"), "SJ": ("SJM", "Svalbard and Jan Mayen"), "SM": ("SMR", "San Marino"),
    "SX": ("SXM", "Sint Maarten"), "TF": ("ATF", "French Southern Territories"),
    "TK": ("TKL", "Tokelau"), "TV": ("TUV", "Tuvalu"),
    "UM": ("UMI", "United States Minor Outlying Islands"), "VA": ("VAT", "Vatican City"),
    "WF": ("WLF", "Wallis and Futuna"), "YT": ("MYT", "Mayotte"),
}  # fmt: skip
"""ISO 3166-1 codes that Ember publishes nothing for: alpha-3 and name."""

NATIVE_NAMES: Final[dict[str, str]] = {
    "Shqipëria": "AL", "Österreich": "AT", "België": "BE", "Belgique": "BE", "Belgien": "BE",
    "Bosna i Hercegovina": "BA", "Brasil": "BR", "България": "BG", "Bulgaria": "BG",
    "Schweiz": "CH", "Suisse": "CH", "Svizzera": "CH", "Česko": "CZ", "Česká republika": "CZ",
    "Deutschland": "DE", "Danmark": "DK", "Eesti": "EE", "España": "ES", "Suomi": "FI",
    "Ελλάδα": "GR", "Ellada": "GR", "Hrvatska": "HR", "Magyarország": "HU", "Éire": "IE",
    "ישראל": "IL", "भारत": "IN", "Bharat": "IN", "Ísland": "IS", "Italia": "IT", "日本": "JP",
    "Nippon": "JP", "Nihon": "JP", "대한민국": "KR", "한국": "KR", "Қазақстан": "KZ",
    "Lietuva": "LT", "Lëtzebuerg": "LU", "Latvija": "LV", "Maroc": "MA", "المغرب": "MA",
    "Crna Gora": "ME", "México": "MX", "Nederland": "NL", "Norge": "NO", "Noreg": "NO",
    "Perú": "PE", "Polska": "PL", "România": "RO", "Србија": "RS", "Srbija": "RS",
    "Россия": "RU", "Rossija": "RU", "Sverige": "SE", "Slovenija": "SI", "Slovensko": "SK",
    "ประเทศไทย": "TH", "تونس": "TN", "Tunisie": "TN", "Türkiye": "TR", "臺灣": "TW", "台灣": "TW",
    "台湾": "TW", "Україна": "UA", "Ukraina": "UA", "Việt Nam": "VN", "中国": "CN", "中國": "CN",
    "Zhongguo": "CN", "香港": "HK", "新加坡": "SG", "السعودية": "SA", "الإمارات": "AE", "مصر": "EG",
    "ایران": "IR", "پاکستان": "PK", "বাংলাদেশ": "BD", "Algérie": "DZ", "الجزائر": "DZ",
    "Cymru": "GB", "Alba": "GB", "საქართველო": "GE", "Հայաստան": "AM",
}  # fmt: skip
"""What people call their country themselves, in their own script and in Latin letters."""
US_MARKETS: Final[dict[str, tuple[str, ...]]] = {
    "CISO": ("EGRID-CAMX",),
    "ERCO": ("EGRID-ERCT",),
    "FPL": ("EGRID-FRCC",),
    "ISNE": ("EGRID-NEWE",),
    "MISO": ("EGRID-MROW", "EGRID-SRMW", "EGRID-RFCM", "EGRID-SRMV"),
    "NYIS": ("EGRID-NYUP", "EGRID-NYCW", "EGRID-NYLI"),
    "PJM": ("EGRID-RFCE", "EGRID-RFCW"),
    "SOCO": ("EGRID-SRSO",),
    "SWPP": ("EGRID-SPNO", "EGRID-SPSO"),
    "TVA": ("EGRID-SRTV",),
    "BPAT": ("EGRID-NWPP",),
    "AZPS": ("EGRID-AZNM",),
    "PSCO": ("EGRID-RMPA",),
}
"""The EPA's subregions of an American grid operator, by the last part of Electricity Maps' ids."""
