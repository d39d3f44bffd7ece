"""The toy weather: a ring of sites that advect, damp and force.

Lorenz 1996, Predictability: a problem partly solved, Proc. Seminar on Predictability, ECMWF. With
forcing 8, small errors double in about two days, one time unit being five days (Lorenz & Emanuel
1998, J. Atmos. Sci. 55:399-414).
"""

HOURS_PER_UNIT = 120  # one time unit of the model is taken for five days


def tendency(x, forcing):
    """Return dx/dt at each site of the ring."""
    # A negative index counts from the end, and so closes the ring on one side.
    ahead = [*x[1:], x[0]]
    return [(ahead[i] - x[i - 2]) * x[i - 1] - x[i] + forcing for i in range(len(x))]


def step(x, forcing, dt):
    """Return the state a time `dt` later, by the classical Runge-Kutta method of fourth order."""
    k1 = tendency(x, forcing)
    k2 = tendency([a + dt / 2 * k for a, k in zip(x, k1, strict=True)], forcing)
    k3 = tendency([a + dt / 2 * k for a, k in zip(x, k2, strict=True)], forcing)
    k4 = tendency([a + dt * k for a, k in zip(x, k3, strict=True)], forcing)
    slopes = zip(x, k1, k2, k3, k4, strict=True)
    return [a + dt / 6 * (p + 2 * q + 2 * r + s) for a, p, q, r, s in slopes]


def advance(x, forcing, step_hours, hours):
    """Return the state `hours` later."""
    for _ in range(round(hours / step_hours)):
        x = step(x, forcing, step_hours / HOURS_PER_UNIT)
    return x
