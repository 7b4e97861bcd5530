"""What a new project begins with: a few rows of data, and functions that make something of them."""

from __future__ import annotations

from dataclasses import dataclass

from odibi_core.project.templates import ProjectType

__all__ = ["Sample", "Step", "sample_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One transformation of a sample.

    Args:
        layer: Its layer.
        function: The function's name; the transformation's id is the same with hyphens.
        reads: The table it reads.
        writes: The table it writes.
        constants: The row's constants, as YAML.
        description: What it does.
        code: The function.
    """

    layer: str
    function: str
    reads: str
    writes: str
    constants: str = "{}"
    description: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Sample data and what is made of it.

    Args:
        name: The name of the data: of the file in ``landing/`` and of the Bronze table.
        csv: The data.
        steps: The transformations, in their order.
        test: A test of the first function.
    """

    name: str
    csv: str
    steps: tuple[Step, ...]
    test: str


_ORDERS = Sample(
    name="orders",
    csv="""\
order_id,ordered_on,region,product,quantity,unit_price
1001,2024-03-01,North,Pump,2,120.50
1002,2024-03-01,South,Valve,10,14.90
1002,2024-03-01,South,Valve,10,14.90
1003,2024-03-02,North,Valve,4,14.90
1004,2024-03-03,West,Pump,,120.50
1005,2024-03-03,West,Motor,1,830.00
1006,2024-03-04,South,Pump,3,120.50
""",
    steps=(
        Step(
            layer="Silver",
            function="clean_orders",
            reads="bronze.orders",
            writes="silver.orders",
            description="Each order once, with its revenue",
            code='''\
def clean_orders(orders: nw.LazyFrame, constants=None):
    """Drop orders without a quantity and those that arrived twice; add the revenue of each."""
    orders = orders.drop_nulls("quantity").unique("order_id")
    return orders.with_columns(revenue=nw.col("quantity") * nw.col("unit_price"))
''',
        ),
        Step(
            layer="Gold",
            function="revenue_by_region",
            reads="silver.orders",
            writes="gold.revenue_by_region",
            constants="{lowest_revenue: 100}",
            description="Revenue and number of orders per region",
            code='''\
def revenue_by_region(orders: nw.LazyFrame, constants=None):
    """Return revenue and number of orders per region, leaving out regions below constants["lowest_revenue"]."""
    regions = orders.group_by("region").agg(revenue=nw.col("revenue").sum(), orders=nw.len())
    lowest = (constants or {}).get("lowest_revenue", 0)
    return regions.filter(nw.col("revenue") >= lowest).sort("revenue", descending=True)
''',
        ),
    ),
    test="""\
def test_each_order_is_there_once_with_its_revenue():
    orders = pd.DataFrame({"order_id": [1, 1, 2], "quantity": [2, 2, None], "unit_price": [1.5, 1.5, 3.0]})

    cleaned = clean_orders(nw.from_native(orders).lazy()).collect()

    assert cleaned["order_id"].to_list() == [1]
    assert cleaned["revenue"].to_list() == [3.0]
""",
)

_READINGS = Sample(
    name="readings",
    csv="""\
reading_id,plant,asset,measured_at,temperature_c,output_kg
1,Lyon,Boiler A,2024-03-01T06:00:00,182.4,410
2,Lyon,Boiler B,2024-03-01T06:00:00,179.9,388
3,Lyon,Boiler A,2024-03-01T07:00:00,183.1,415
3,Lyon,Boiler A,2024-03-01T07:00:00,183.1,415
4,Lyon,Boiler B,2024-03-01T07:00:00,,391
5,Gent,Dryer 1,2024-03-01T06:00:00,95.2,120
6,Gent,Dryer 1,2024-03-01T07:00:00,9999.0,121
7,Gent,Dryer 2,2024-03-01T07:00:00,97.8,133
""",
    steps=(
        Step(
            layer="Silver_1",
            function="clean_readings",
            reads="bronze.readings",
            writes="silver_1.readings",
            description="Each reading once, none without a temperature",
            code='''\
def clean_readings(readings: nw.LazyFrame, constants=None):
    """Drop readings without a temperature, and those that arrived twice."""
    return readings.drop_nulls("temperature_c").unique("reading_id")
''',
        ),
        Step(
            layer="Silver_2",
            function="keep_plausible",
            reads="silver_1.readings",
            writes="silver_2.readings",
            constants="{highest_temperature_c: 400}",
            description="Readings that a sensor can have meant",
            code='''\
def keep_plausible(readings: nw.LazyFrame, constants=None):
    """Drop readings above constants["highest_temperature_c"]."""
    highest = (constants or {}).get("highest_temperature_c", 400)
    return readings.filter(nw.col("temperature_c") <= highest)
''',
        ),
        Step(
            layer="Gold_1",
            function="output_by_asset",
            reads="silver_2.readings",
            writes="gold_1.output_by_asset",
            description="Output and mean temperature of each asset",
            code='''\
def output_by_asset(readings: nw.LazyFrame, constants=None):
    """Return output, mean temperature and number of readings of each asset."""
    return readings.group_by("plant", "asset").agg(
        output_kg=nw.col("output_kg").sum(), temperature_c=nw.col("temperature_c").mean(), readings=nw.len()
    )
''',
        ),
        Step(
            layer="Gold_2",
            function="output_by_plant",
            reads="gold_1.output_by_asset",
            writes="gold_2.output_by_plant",
            description="Output and number of assets of each plant",
            code='''\
def output_by_plant(output_by_asset: nw.LazyFrame, constants=None):
    """Return output and number of assets of each plant."""
    return output_by_asset.group_by("plant").agg(output_kg=nw.col("output_kg").sum(), assets=nw.len()).sort("plant")
''',
        ),
    ),
    test="""\
def test_each_reading_is_there_once_with_a_temperature():
    readings = pd.DataFrame({"reading_id": [1, 1, 2], "temperature_c": [90.0, 90.0, None]})

    cleaned = clean_readings(nw.from_native(readings).lazy()).collect()

    assert cleaned["reading_id"].to_list() == [1]
""",
)


def sample_for(project_type: ProjectType) -> Sample:
    """Return the sample of a type of project; its layers are those of the type's template.

    Args:
        project_type: The type.
    """
    return _READINGS if project_type is ProjectType.MANUFACTURING else _ORDERS
