"""Carbon: where the electricity comes from, and how much CO2 a kilowatt-hour of it stands for."""
