"""The buffers of the Windows Energy Meter Interface, as pure functions over bytes.

Layout: ``emi.h`` of the Windows SDK. Little endian; names are UTF-16 with a null at their end.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

VERSION_1: Final = 1
VERSION_2: Final = 2
UNIT_PICOWATT_HOURS: Final = 0
"""``EmiMeasurementUnitPicowattHours``, the only unit there is."""
VERSION_BYTES: Final = 2
SIZE_BYTES: Final = 4
MEASUREMENT_BYTES: Final = 16
"""``EMI_CHANNEL_MEASUREMENT_DATA``: energy in its unit and time in 100 ns, 64 bits each."""
MAX_METADATA_BYTES: Final = 1 << 20
"""Far more than a channel for each core of the largest machine; judgement."""
_NAME_BYTES: Final = 32  # EMI_NAME_MAX characters for the maker, and as many for the model
_V1: Final = struct.Struct(f"<I{_NAME_BYTES}s{_NAME_BYTES}sHH")
_V2: Final = struct.Struct(f"<{_NAME_BYTES}s{_NAME_BYTES}sHH")
_CHANNEL: Final = struct.Struct("<IH")
_MEASUREMENT: Final = struct.Struct("<QQ")


class Malformed(ValueError):
    """A buffer that is shorter than it says, or says what no buffer can."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What one number of a device's measurement is about.

    Attributes:
        unit: ``UNIT_PICOWATT_HOURS``, or one that is not known.
    """

    name: str
    unit: int


def parse_version(data: bytes) -> int:
    """The version of ``EMI_VERSION``.

    Raises:
        Malformed: the buffer is too short, or the version is not known.
    """
    version = _number(data, VERSION_BYTES)
    if version not in {VERSION_1, VERSION_2}:
        raise Malformed(f"version {version} is not known")
    return version


def parse_metadata_size(data: bytes) -> int:
    """The bytes that the metadata takes, from ``EMI_METADATA_SIZE``.

    Raises:
        Malformed: the buffer is too short, or the size is none.
    """
    size = _number(data, SIZE_BYTES)
    if not 0 < size <= MAX_METADATA_BYTES:
        raise Malformed(f"metadata of {size} bytes")
    return size


def parse_metadata(version: int, data: bytes) -> tuple[Channel, ...]:
    """The channels of a device, in the order of its measurements.

    Raises:
        Malformed: the buffer ends before it has told them all.
    """
    return _channel_of_v1(data) if version == VERSION_1 else _channels_of_v2(data)


def parse_energies(data: bytes, channels: int) -> tuple[int, ...]:
    """The cumulative energy of each channel, in its unit.

    Raises:
        Malformed: the buffer does not hold exactly that many.
    """
    if len(data) != channels * MEASUREMENT_BYTES:
        raise Malformed(f"{len(data)} bytes for {channels} channels")
    return tuple(energy for energy, _ in _MEASUREMENT.iter_unpack(data))


def _channel_of_v1(data: bytes) -> tuple[Channel, ...]:
    if len(data) < _V1.size:
        raise Malformed("truncated metadata")
    unit, _, _, _, name_bytes = _V1.unpack_from(data)
    return (Channel(_name(data, _V1.size, name_bytes), unit),)


def _channels_of_v2(data: bytes) -> tuple[Channel, ...]:
    if len(data) < _V2.size:
        raise Malformed("truncated metadata")
    *_, count = _V2.unpack_from(data)
    channels: list[Channel] = []
    offset = _V2.size
    for _ in range(count):
        if len(data) < offset + _CHANNEL.size:
            raise Malformed("truncated metadata")
        unit, name_bytes = _CHANNEL.unpack_from(data, offset)
        channels.append(Channel(_name(data, offset + _CHANNEL.size, name_bytes), unit))
        # The next begins right behind the name, wherever that is.
        offset += _CHANNEL.size + name_bytes
    return tuple(channels)


def _name(data: bytes, offset: int, size: int) -> str:
    if len(data) < offset + size:
        raise Malformed("truncated name")
    text = data[offset : offset + size].decode("utf-16-le", errors="replace")
    return text.partition("\0")[0]


def _number(data: bytes, size: int) -> int:
    if len(data) != size:
        raise Malformed(f"{len(data)} bytes instead of {size}")
    return int.from_bytes(data, "little")
