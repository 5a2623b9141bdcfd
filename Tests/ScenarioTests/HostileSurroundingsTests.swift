import Foundation
import Harness
import TestSupport
import Testing

/// What surrounds the harness may be odd, and what it runs hostile: neither the host nor a neighbour pays for it.
@Suite("Hostile surroundings", .timeLimit(.minutes(10)), .enabled(if: Checkout.isInstalled("unshare")))
struct HostileSurroundingsTests {
    private static let environment =
        Command.usualEnvironment + ["HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)"]

    /// A shell script in a mount tree of its own.
    private func apart(_ script: String, arguments: [String] = []) async throws -> Command.Outcome {
        try await blocking {
            try Command(["unshare", "-m"] + arguments + ["sh", "-ec", script], environment: Self.environment).finish()
        }
    }

    private func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await body(folder)
    }

    /// pivot_root(2) changes the root of the chroot, and leaves the real one above it.
    @Test(.enabled(if: Checkout.isInstalled("python3")))
    func inAChrootTheRootIsTheContainers() async throws {
        try await withFolder { folder in
            let walk = "\(Checkout.root)/Tests/Hostile/chroot-walk.py"
            try Checkout.write(
                """
                scenario "PID 1"
                  command python3 \(walk)
                  start
                  expect exit 0 within 20s
                scenario "beside it"
                  command sleep 60
                  start
                  exec test -S /.harness/services
                  expect exec exit 0
                  exec python3 \(walk)
                  expect exec exit 0

                """, to: folder + "/a.scenario")
            try FileManager.default.createDirectory(atPath: folder + "/root", withIntermediateDirectories: true)
            let end = try await apart(
                """
                mount --rbind / \(folder)/root
                exec chroot \(folder)/root \(Checkout.harness) run \(folder)/a.scenario
                """)
            #expect(end.status == .exited(0), "\(end.output)\(end.errors)")
        }
    }

    /// CVE-2019-5736 and its kin: what is put beside PID 1 is the harness until its exec, and after it where the container says so.
    @Test(.enabled(if: Checkout.isInstalled("python3")))
    func theExecutableOfTheHarnessCannotBeChanged() async throws {
        try await withFolder { folder in
            try Checkout.write(
                """
                import errno, os, sys, time
                os.symlink("/proc/self/exe", "/again")
                print("ready", flush=True)
                end = time.monotonic() + 20
                caught = set()
                while time.monotonic() < end and not os.path.exists("/enough"):
                    for name in os.listdir("/proc"):
                        if not name.isdigit() or name == "1": continue
                        try: found = os.open(f"/proc/{name}/exe", os.O_RDONLY)
                        except OSError: continue
                        try:
                            os.fchmod(found, 0o4755)
                            caught.add("changed " + os.readlink(f"/proc/self/fd/{found}"))
                        except OSError as error:
                            caught.add(errno.errorcode[error.errno])
                        os.close(found)
                print(*caught, flush=True)
                sys.exit(0 if caught == {"EROFS"} else 1)

                """, to: folder + "/catch.py")
            try Checkout.write(
                """
                scenario "the executable"
                  command python3 \(folder)/catch.py
                  start
                  wait for output contains "ready" within 20s
                  exec within 10s /again doctor
                  exec within 10s /again run /nothing
                  exec within 10s sh -c "exit 0"
                  exec touch /enough
                  expect exit 0 within 20s

                """, to: folder + "/a.scenario")
            let end = try await apart(
                """
                cp \(Checkout.harness) \(folder)/harness
                \(folder)/harness run --verbose \(folder)/a.scenario || true
                stat -c %a \(folder)/harness
                """)
            // A shell, too, is in the container's reach, and may be changed there: on its own layer.
            #expect(end.output.hasSuffix("\n755\n"), "\(end.output)\(end.errors)")
        }
    }

    /// PID 1 that has disarmed its parent-death signal and ignores everything.
    private static let disarmed = """
        scenario "disarmed"
          command python3 -c "import ctypes, time; c = ctypes.CDLL(None); c.prctl(1, 0, 0, 0, 0); c.prctl(15, b'disarmed'); time.sleep(600)"
          start
          wait for state exited within 10m

        """

    /// How many of these there are in containers of the run of `$killed`.
    private static let counting = """
        count() { grep -lx disarmed /proc/[0-9]*/comm 2>/dev/null | while read path; do \
        grep -q "upperdir=/run/harness-$killed-" ${path%/comm}/mountinfo 2>/dev/null && echo; done | wc -l; }
        """

    /// Whether the hierarchies of control groups can be written to or not: the guard has a descriptor of each PID 1.
    @Test(.enabled(if: Checkout.isInstalled("python3")), arguments: ["true", "umount -l /sys/fs/cgroup"])
    func whatIsDisarmedDiesWithTheHarness(preparation: String) async throws {
        try await withFolder { folder in
            try Checkout.write(Self.disarmed, to: folder + "/a.scenario")
            // The harness tells of its process by its run's directory, and is killed when PID 1 is up.
            let end = try await apart(
                """
                \(preparation)
                \(Checkout.harness) run --repeat 8 --jobs 8 \(folder)/a.scenario >/dev/null 2>&1 &
                killed=$!
                \(Self.counting)
                for i in $(seq 600); do test $(count) -ge 8 && break; sleep 0.05; done
                echo "up $(count)"
                kill -9 $killed
                for i in $(seq 100); do test $(count) -eq 0 && ! ls -d /run/harness-$killed-* 2>/dev/null && break; sleep 0.05; done
                echo "left $(count)"
                """)
            #expect(end.output.hasPrefix("up 8\n") && end.output.hasSuffix("left 0\n"), "\(end.output)\(end.errors)")
        }
    }

    @Test(.enabled(if: Checkout.isInstalled("python3")))
    func whatIsDisarmedDiesWithTheNextRunWhereTheGuardIsKilledToo() async throws {
        try await withFolder { folder in
            try Checkout.write(Self.disarmed, to: folder + "/a.scenario")
            let end = try await apart(
                """
                # Its own /run: whichever run starts next clears up, and that is to be the one below.
                mount -t tmpfs run /run
                umount -l /sys/fs/cgroup
                \(Checkout.harness) run \(folder)/a.scenario >/dev/null 2>&1 &
                killed=$!
                \(Self.counting)
                for i in $(seq 400); do test $(count) -ge 1 && break; sleep 0.05; done
                kill -9 $(cat /proc/$killed/task/*/children | tr ' ' '\\n' | while read child; do
                    grep -qs harness-guard /proc/$child/comm && echo $child; done) $killed
                sleep 0.2
                echo "outlived $(count)"
                \(Checkout.harness) doctor >/dev/null || true
                for i in $(seq 100); do test $(count) -eq 0 && break; sleep 0.05; done
                echo "left $(count)" $(ls -d /run/harness-$killed-* 2>/dev/null)
                """)
            #expect(end.output == "outlived 1\nleft 0\n", "\(end.output)\(end.errors)")
        }
    }

    /// Start times of processes are shifted in another time namespace; a lock is not.
    @Test func aNeighbourInAnotherTimeNamespaceIsNotTakenForDead() async throws {
        let lives = try scenarios(
            """
            scenario "it lives"
              service app
              start
              wait for app ready within 10s
              wait 2s
              stop
              expect exit 0
              expect nobody killed
            """)
        try await withFolder { folder in
            try Checkout.write(
                "scenario \"neighbour\"\n  command true\n  start\n  expect exit 0 within 20s\n",
                to: folder + "/a.scenario")
            async let own = run(lives, on: [Checkout.profile("reference")])
            for _ in 0..<3 {
                let end = try await apart(
                    "exec \(Checkout.harness) run \(folder)/a.scenario",
                    arguments: ["--time", "--boottime", "100000", "--fork"])
                #expect(end.status == .exited(0), "\(end.output)\(end.errors)")
            }
            #expect(try await own.first?.verdict == .passed)
        }
    }

    /// What is short is named, and how to get it; where less does the same work, less is taken.
    @Test(arguments: [
        ("ulimit -n 12", 3, "may have 12 files open, and needs 40: raise the limit: ulimit -n 1024"),
        ("ulimit -n 60", 0, "8 passed"), ("ulimit -s 64", 0, "8 passed"), ("ulimit -f 0", 0, "8 passed"),
        ("umount -l /proc", 3, "there is no /proc: mount it: mount -t proc proc /proc"),
        ("exec 1>/dev/full", 3, "the report could not be written: No space left on device"),
    ])
    func aShortageIsNamed(preparation: String, status: Int32, words: String) async throws {
        try await withFolder { folder in
            try Checkout.write(Self.passing, to: folder + "/a.scenario")
            let end = try await apart(
                "\(preparation); exec \(Checkout.harness) run --repeat 8 \(folder)/a.scenario")
            #expect(end.status == .exited(status), "\(end.output)\(end.errors)")
            #expect((end.output + end.errors).contains(words), "\(end.output)\(end.errors)")
        }
    }

    @Test(arguments: [
        (["--user", "--map-root-user"], "this is a user namespace: run as the machine's root"),
        (["--pid", "--fork"], "/proc is that of another PID namespace: mount it anew: mount -t proc proc /proc"),
    ])
    func aNamespaceThatDoesNotDoIsNamed(arguments: [String], words: String) async throws {
        try await withFolder { folder in
            try Checkout.write(Self.passing, to: folder + "/a.scenario")
            let end = try await apart("exec \(Checkout.harness) run \(folder)/a.scenario", arguments: arguments)
            #expect(end.status == .exited(3), "\(end.output)\(end.errors)")
            #expect(end.errors.contains(words), "\(end.output)\(end.errors)")
        }
    }

    @Test func whatCannotBeWrittenIsFoundBeforeTheRun() async throws {
        let end = try await apart("exec \(Checkout.harness) run --output /nonexistent/report /nonexistent.scenario")
        #expect(end.status == .exited(2))
        try await withFolder { folder in
            try Checkout.write(Self.passing, to: folder + "/a.scenario")
            let end = try await apart("exec \(Checkout.harness) run --output /nonexistent/report \(folder)/a.scenario")
            #expect(end.status == .exited(3) && end.output.isEmpty, "\(end.output)\(end.errors)")
            #expect(end.errors == "harness: /nonexistent/report: No such file or directory\n")
        }
    }

    private static let passing = """
        scenario "passing"
          service app
          start
          wait for app ready within 20s
          stop
          expect exit 0

        """

    /// The version line of a profile is the untrusted init's, too.
    @Test func theVersionOfAnInitIsAskedInside() async throws {
        try await withFolder { folder in
            try Checkout.write(
                """
                init outside
                  command /bin/sh -c
                  version sh -c "touch \(folder)/outside 2> /dev/null; test $$ != 1 && echo version 7"
                  abilities forwarding

                """, to: folder + "/a.init")
            try Checkout.write(
                "scenario \"x\"\n  command true\n  start\n  expect exit 0 within 20s\n", to: folder + "/a.scenario")
            let end = try await apart(
                "\(Checkout.harness) run --format markdown --init \(folder)/a.init \(folder)/a.scenario || true")
            #expect(end.output.contains("version 7"), "\(end.output)\(end.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder + "/outside"))
        }
    }
}
