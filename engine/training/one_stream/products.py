"""Products of matrices and vectors as plain loops, which the compiler turns into vector instructions.

Everything is row-major float32. The products of one stream are so small that a library call costs more than their
arithmetic. Where both sides have several rows, blocks of four by four are computed together, so that each number read
serves four multiplications.
"""

from __future__ import annotations

from engine.training.compiled import F, Floats, compiled


@compiled
def add_product(matrix: Floats, vector: Floats, to: Floats) -> None:
    """`to += matrix @ vector`: (rows, columns), (columns,), (rows,)."""
    rows, columns = matrix.shape
    fours = rows - rows % 4
    for row in range(0, fours, 4):
        m0, m1, m2, m3 = matrix[row], matrix[row + 1], matrix[row + 2], matrix[row + 3]
        t0, t1, t2, t3 = F(0), F(0), F(0), F(0)
        for column in range(columns):
            x = vector[column]
            t0, t1, t2, t3 = t0 + m0[column] * x, t1 + m1[column] * x, t2 + m2[column] * x, t3 + m3[column] * x
        to[row] += t0
        to[row + 1] += t1
        to[row + 2] += t2
        to[row + 3] += t3
    for row in range(fours, rows):
        t0 = F(0)
        for column in range(columns):
            t0 += matrix[row, column] * vector[column]
        to[row] += t0


@compiled
def add_transposed_product(matrix: Floats, vector: Floats, to: Floats) -> None:
    """`to += matrix.T @ vector`: (rows, columns), (rows,), (columns,)."""
    rows, columns = matrix.shape
    fours = rows - rows % 4
    for row in range(0, fours, 4):
        m0, m1, m2, m3 = matrix[row], matrix[row + 1], matrix[row + 2], matrix[row + 3]
        v0, v1, v2, v3 = vector[row], vector[row + 1], vector[row + 2], vector[row + 3]
        for column in range(columns):
            to[column] += v0 * m0[column] + v1 * m1[column] + v2 * m2[column] + v3 * m3[column]
    for row in range(fours, rows):
        v0 = vector[row]
        for column in range(columns):
            to[column] += v0 * matrix[row, column]


@compiled
def affine(matrix: Floats, bias: Floats, inputs: Floats, to: Floats) -> None:
    """`to = inputs @ matrix.T + bias`: (rows, columns), (rows,), (times, columns), (times, rows)."""
    rows, columns = matrix.shape
    times = inputs.shape[0]
    four_rows, four_times = rows - rows % 4, times - times % 4
    for row in range(0, four_rows, 4):
        m0, m1, m2, m3 = matrix[row], matrix[row + 1], matrix[row + 2], matrix[row + 3]
        for time in range(0, four_times, 4):
            i0, i1, i2, i3 = inputs[time], inputs[time + 1], inputs[time + 2], inputs[time + 3]
            a0, a1, a2, a3 = F(0), F(0), F(0), F(0)
            b0, b1, b2, b3 = F(0), F(0), F(0), F(0)
            c0, c1, c2, c3 = F(0), F(0), F(0), F(0)
            d0, d1, d2, d3 = F(0), F(0), F(0), F(0)
            for column in range(columns):
                x0, x1, x2, x3 = i0[column], i1[column], i2[column], i3[column]
                y0, y1, y2, y3 = m0[column], m1[column], m2[column], m3[column]
                a0, a1, a2, a3 = a0 + x0 * y0, a1 + x0 * y1, a2 + x0 * y2, a3 + x0 * y3
                b0, b1, b2, b3 = b0 + x1 * y0, b1 + x1 * y1, b2 + x1 * y2, b3 + x1 * y3
                c0, c1, c2, c3 = c0 + x2 * y0, c1 + x2 * y1, c2 + x2 * y2, c3 + x2 * y3
                d0, d1, d2, d3 = d0 + x3 * y0, d1 + x3 * y1, d2 + x3 * y2, d3 + x3 * y3
            _store_four(a0, a1, a2, a3, bias, row, to[time])
            _store_four(b0, b1, b2, b3, bias, row, to[time + 1])
            _store_four(c0, c1, c2, c3, bias, row, to[time + 2])
            _store_four(d0, d1, d2, d3, bias, row, to[time + 3])
        for time in range(four_times, times):
            i0 = inputs[time]
            a0, a1, a2, a3 = F(0), F(0), F(0), F(0)
            for column in range(columns):
                x0 = i0[column]
                a0, a1 = a0 + x0 * m0[column], a1 + x0 * m1[column]
                a2, a3 = a2 + x0 * m2[column], a3 + x0 * m3[column]
            _store_four(a0, a1, a2, a3, bias, row, to[time])
    for row in range(four_rows, rows):
        for time in range(times):
            a0 = F(0)
            for column in range(columns):
                a0 += matrix[row, column] * inputs[time, column]
            to[time, row] = a0 + bias[row]


@compiled
def _store_four(a: F, b: F, c: F, d: F, bias: Floats, row: int, to: Floats) -> None:
    to[row], to[row + 1] = a + bias[row], b + bias[row + 1]
    to[row + 2], to[row + 3] = c + bias[row + 2], d + bias[row + 3]


@compiled
def add_matmul(left: Floats, row_stride: int, inner_stride: int, right: Floats, to: Floats) -> None:
    """`to += left @ right`: (rows, inner), (inner, columns), (rows, columns).

    `left` is flat; its element (row, inner) is at `row * row_stride + inner * inner_stride`, so it may be transposed.
    """
    rows, columns = to.shape
    inner = right.shape[0]
    four_rows, four_inner = rows - rows % 4, inner - inner % 4
    for row in range(0, four_rows, 4):
        t0, t1, t2, t3 = to[row], to[row + 1], to[row + 2], to[row + 3]
        for k in range(0, four_inner, 4):
            r0, r1, r2, r3 = right[k], right[k + 1], right[k + 2], right[k + 3]
            a0, a1, a2, a3 = _load_four(left, row * row_stride + k * inner_stride, inner_stride)
            b0, b1, b2, b3 = _load_four(left, (row + 1) * row_stride + k * inner_stride, inner_stride)
            c0, c1, c2, c3 = _load_four(left, (row + 2) * row_stride + k * inner_stride, inner_stride)
            d0, d1, d2, d3 = _load_four(left, (row + 3) * row_stride + k * inner_stride, inner_stride)
            for column in range(columns):
                x0, x1, x2, x3 = r0[column], r1[column], r2[column], r3[column]
                t0[column] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                t1[column] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
                t2[column] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
                t3[column] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3
        for k in range(four_inner, inner):
            r0 = right[k]
            a0, b0, c0, d0 = _load_four(left, row * row_stride + k * inner_stride, row_stride)
            for column in range(columns):
                x0 = r0[column]
                t0[column] += a0 * x0
                t1[column] += b0 * x0
                t2[column] += c0 * x0
                t3[column] += d0 * x0
    for row in range(four_rows, rows):
        t0 = to[row]
        for k in range(0, four_inner, 4):
            r0, r1, r2, r3 = right[k], right[k + 1], right[k + 2], right[k + 3]
            a0, a1, a2, a3 = _load_four(left, row * row_stride + k * inner_stride, inner_stride)
            for column in range(columns):
                t0[column] += a0 * r0[column] + a1 * r1[column] + a2 * r2[column] + a3 * r3[column]
        for k in range(four_inner, inner):
            a0, r0 = left[row * row_stride + k * inner_stride], right[k]
            for column in range(columns):
                t0[column] += a0 * r0[column]


@compiled
def _load_four(values: Floats, begin: int, stride: int) -> tuple[F, F, F, F]:
    return values[begin], values[begin + stride], values[begin + 2 * stride], values[begin + 3 * stride]
