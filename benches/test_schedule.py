"""Tests of the simulation of more cores: python3 -m unittest discover --start-directory benches"""

import random
import unittest

import codegen
from schedule import Task, by_chain, by_name, critical_path, makespan, order

CHAIN = {"a": Task(1), "b": Task(2, ("a",)), "c": Task(3, ("b",))}
DIAMOND = {"top": Task(1), "left": Task(2, ("top",)), "right": Task(5, ("top",)), "end": Task(1, ("left", "right"))}


def random_tasks(seed, count=40):
    chance = random.Random(seed)
    return {
        f"t{ix:02}": Task(
            chance.uniform(0.1, 5), tuple(f"t{need:02}" for need in range(ix) if chance.random() < 2 / (ix + 1))
        )
        for ix in range(count)
    }


class ScheduleTest(unittest.TestCase):
    def test_order_puts_each_task_after_its_needs(self):
        tasks = dict(reversed(random_tasks(1).items()))
        names = order(tasks)
        self.assertEqual(sorted(names), sorted(tasks))
        for name in names:
            for need in tasks[name].needs:
                self.assertLess(names.index(need), names.index(name))

    def test_a_chain_takes_the_same_on_any_number_of_cores(self):
        for cores in (1, 2, 64):
            self.assertAlmostEqual(makespan(CHAIN, cores, by_name(CHAIN)), 6)

    def test_one_core_runs_tasks_one_by_one(self):
        self.assertAlmostEqual(makespan(DIAMOND, 1, by_name(DIAMOND)), 9)

    def test_two_cores_run_two_tasks_at_once(self):
        self.assertAlmostEqual(makespan(DIAMOND, 2, by_name(DIAMOND)), 7)

    def test_the_critical_path_is_the_longest_chain(self):
        self.assertEqual(critical_path(DIAMOND), (7, ["top", "right", "end"]))

    def test_tasks_with_higher_priority_run_first(self):
        # If the short tasks run first, the long chain comes last: 2 + 6 seconds.
        tasks = {"s1": Task(2), "s2": Task(2), "z1": Task(3), "z2": Task(3, ("z1",))}
        self.assertAlmostEqual(makespan(tasks, 2, by_chain(tasks)), 6)
        self.assertAlmostEqual(makespan(tasks, 2, by_name(tasks)), 8)

    def test_serial_work_does_not_get_faster_with_more_cores(self):
        tasks = {str(ix): Task(3) for ix in range(10)}
        self.assertAlmostEqual(makespan(tasks, 10, by_name(tasks), serial=1), 2 + 10)
        self.assertAlmostEqual(makespan(tasks, 1, by_name(tasks), serial=1), 10 * 3)
        self.assertAlmostEqual(makespan(CHAIN, 4, by_name(CHAIN), serial=1), 6)

    def test_threads_speed_up_only_code_generation(self):
        tasks = {"a": Task(5, code=4), "b": Task(2, ("a",))}
        self.assertAlmostEqual(makespan(tasks, 4, by_name(tasks), threads=4), 1 + 1 + 2)
        self.assertAlmostEqual(makespan(tasks, 2, by_name(tasks), threads=4), 1 + 2 + 2)
        self.assertAlmostEqual(makespan(tasks, 1, by_name(tasks), threads=4), 7)

    def test_threads_share_the_cores(self):
        # Three threads share two cores, two of them for the code of one task.
        tasks = {"code": Task(4, code=4), "other": Task(2)}
        self.assertAlmostEqual(makespan(tasks, 2, by_name(tasks), threads=2), 3)

    def test_a_repeated_need_counts_once(self):
        tasks = {"a": Task(1), "b": Task(1, ("a", "a"))}
        self.assertAlmostEqual(makespan(tasks, 1, by_name(tasks)), 2)

    def test_dependency_cycles_are_rejected(self):
        tasks = {"a": Task(1, ("b",)), "b": Task(1, ("a",)), "c": Task(1)}
        with self.assertRaises(ValueError):
            order(tasks)
        with self.assertRaises(ValueError):
            makespan(tasks, 2, by_name(tasks))

    def test_schedules_stay_within_the_lower_bounds_and_grahams_bound(self):
        for seed in range(50):
            tasks = random_tasks(seed)
            work = sum(task.seconds for task in tasks.values())
            longest, _ = critical_path(tasks)
            for cores in (1, 2, 4, 16):
                for priority in (by_chain(tasks), by_name(tasks)):
                    taken = makespan(tasks, cores, priority)
                    self.assertGreaterEqual(taken + 1e-6, max(longest, work / cores))
                    self.assertLessEqual(taken, work / cores + longest * (1 - 1 / cores) + 1e-6)


class CodegenTest(unittest.TestCase):
    def test_code_generation_is_the_time_after_metadata(self):
        split = {
            "rust_a-1.0-meta.drv x": Task(2),
            "rust_a-1.0-code.drv x": Task(5),
            "rust_a-1.0-script.drv x": Task(9),
            "rust_macro-1.0.drv x": Task(4),
        }
        seconds = codegen.seconds_of(split)
        self.assertEqual(seconds, {"a-1.0": 3})
        told = codegen.tell_apart(split | {"rust_a-1.0.drv x": Task(6, ("b",)), "rust_b-1.0.drv x": Task(1)}, seconds)
        self.assertEqual([task.code for task in told.values()], [0, 3, 0, 0, 3, 0])
        self.assertEqual(told["rust_a-1.0.drv x"].needs, ("b",))

    def test_members_count_as_crates(self):
        split = {"rust_a-1.0-meta.drv x": Task(2), "rust_a-1.0-code.drv x": Task(5)}
        told = codegen.tell_apart({"a-1.0.drv x": Task(6)}, codegen.seconds_of(split))
        self.assertEqual(told["a-1.0.drv x"].code, 3)

    def test_code_generation_takes_at_most_the_time_of_the_crate(self):
        told = codegen.tell_apart({"rust_a-1.0.drv x": Task(2)}, {"a-1.0": 3})
        self.assertEqual(told["rust_a-1.0.drv x"].code, 2)


if __name__ == "__main__":
    unittest.main()
