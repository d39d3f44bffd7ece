"""The smallest model worth the name: five numbers from one parameter. Reads params.txt."""

with open("params.txt") as file:  # noqa: PTH123 (importing pathlib takes longer than all the rest)
    start = float(file.read().split()[-1])
with open("values.csv", "w") as file:  # noqa: PTH123
    file.write("day,value\n")
    for day in range(5):
        file.write(f"{day},{start + day}\n")
