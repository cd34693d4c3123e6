"""`tamis descriptors`."""

from tamis.cli.console import Json


def descriptors(json: Json = None) -> None:
    """List the descriptors that --by takes.

    tamis descriptors
    """
    from rich.console import Console
    from rich.table import Table

    from tamis.cli.console import write_json
    from tamis.descriptors import descriptor, names

    all_of_them = [descriptor(name) for name in names()]
    rows = [
        {"name": d.name, "dim": d.dim, "captures": d.summary, "spec": d.spec} for d in all_of_them
    ]
    write_json(json, {"descriptors": rows})
    if json == "-":
        return
    table = Table("name", "values", "captures", "spec", box=None, pad_edge=False)
    for row in rows:
        table.add_row(str(row["name"]), f"{row['dim']:,}", str(row["captures"]), str(row["spec"]))
    Console().print(table)
