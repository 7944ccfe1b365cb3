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
