"""Laws of sums over blocks of rows."""

import threading

import numpy as np
import pytest
import threadpoolctl
from hypothesis import given
from hypothesis import strategies as st

from skgen.em import Workers
from skgen.em._workers import N_LANES, blocks, lanes


@given(n_rows=st.integers(1, 5000), block_size=st.integers(1, 700))
def test_lanes_hold_every_row_once_and_in_order(n_rows, block_size):
    dealt = lanes(n_rows, block_size)
    assert len(dealt) <= N_LANES
    assert all(lane for lane in dealt)
    rows = [np.arange(n_rows)[block] for lane in dealt for block in lane]
    assert (np.concatenate(rows) == np.arange(n_rows)).all()
    assert all(0 < len(block) <= block_size for block in rows)


@given(n_rows=st.integers(1, 3000), block_size=st.integers(1, 300))
def test_sum_is_the_same_to_the_last_bit_for_any_number_of_threads(n_rows, block_size):
    values = np.random.default_rng(0).normal(size=n_rows)
    totals = []
    for n_threads in (1, 2, 5):
        with Workers(n_threads) as workers:
            totals.append(
                workers.sum(
                    lambda lane: sum(values[block].sum() for block in lane),
                    n_rows,
                    block_size,
                )
            )
    assert totals[0] == totals[1] == totals[2]
    assert totals[0] == pytest.approx(values.sum(), abs=1e-9)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_each_sees_every_block(n_threads):
    seen = np.zeros(1000, dtype=int)

    def see(block):
        seen[block] += 1

    with Workers(n_threads) as workers:
        workers.each(see, 1000, 64)
    assert (seen == 1).all()
    assert len(blocks(1000, 64)) == 16


def test_error_in_a_thread_reaches_the_caller():
    def fail(lane):
        raise ArithmeticError("from a thread")

    with Workers(2) as workers, pytest.raises(ArithmeticError, match="from a thread"):
        workers.sum(fail, 1000, 10)


def blas_threads():
    pools = threadpoolctl.threadpool_info()
    return [pool["num_threads"] for pool in pools if pool["user_api"] == "blas"]


def test_blas_keeps_no_limit_when_fits_overlap_in_threads():
    before = blas_threads()
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))

    def first():
        with Workers():
            first_is_in.set()
            second_is_in.wait(10)
        first_is_out.set()

    def second():
        first_is_in.wait(10)
        with Workers():
            second_is_in.set()
            first_is_out.wait(10)
            assert set(blas_threads()) <= {1}

    threads = [threading.Thread(target=target) for target in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert blas_threads() == before


def test_blas_has_one_thread_inside_and_its_own_again_outside():
    before = blas_threads()
    with Workers():
        assert set(blas_threads()) <= {1}
    assert blas_threads() == before


def test_threads_follow_the_limits_of_openmp():
    with threadpoolctl.threadpool_limits(1, user_api="openmp"):
        assert Workers().n_threads == 1
    with threadpoolctl.threadpool_limits(2, user_api="openmp"):
        assert Workers().n_threads == 2


def test_threads_end_with_the_workers():
    before = threading.active_count()
    with Workers(3) as workers:
        list(workers.map(lambda i: i, range(20)))
    assert threading.active_count() == before
