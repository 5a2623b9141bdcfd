import Causes

/// Something that every container should be able to do: an entry of the table of `harness check`.
package struct CheckItem: Hashable, Sendable {
    /// What it means where it fails.
    package enum Weight: String, Sendable {
        /// It costs data, time or the container itself.
        case harmful
        /// Know this before you run it that way.
        case worthKnowing = "worth knowing"
    }

    /// Stable; by it programs, `--only` and `--skip` name it.
    package let id: String
    /// What it does where all is well, in a few words.
    package let title: String
    /// How bad a failure is.
    package let weight: Weight
    /// What it does to the person who runs it, where it fails.
    package let harm: String
    /// What to change.
    package let remedy: String

    init(_ id: String, _ title: String, _ weight: Weight, harm: String, remedy: String) {
        (self.id, self.title, self.weight, self.harm, self.remedy) = (id, title, weight, harm, remedy)
    }

    /// The causes that can explain a failure.
    var causes: [Cause] {
        switch self {
        case .stop, .stopBusy, .stopEarly, .runtimes: Cause.ofContainersStops
        case .status, .failure: Cause.ofContainersEnds
        case .orphans: Cause.ofZombies
        case .restarts, .kill, .recreate: Cause.ofContainersStarts
        default: []
        }
    }

    /// Checks of which this one's failure cannot be told apart: what does not come up again later can hardly do so earlier.
    package var presupposed: [CheckItem] {
        switch self {
        case .restartEarly, .together: [.restarts]
        case .killEarly: [.restarts, .kill]
        default: []
        }
    }

    /// Every check, in the order of the page.
    package static let all = [
        start, stop, stopBusy, status, stopEarly, orphans, failure, output, restarts, restartEarly, kill, killEarly,
        recreate, together, terminal, readOnly, user, privileges, processes, memory, disk, files, runtimes,
    ]

    /// It runs on after it is ready.
    package static let start = CheckItem(
        "start", "starts, and stays up", .harmful,
        harm: "it never serves a request; a restart policy starts it forever",
        remedy: "see why it ended, above")
    /// The stop signal ends it within the grace period, and nothing of value is killed.
    package static let stop = CheckItem(
        "stop", "ends when it is stopped", .harmful,
        harm:
            "each stop and each deployment waits for the whole grace period, and what it had not written is lost with SIGKILL",
        remedy: "let PID 1 handle the stop signal, or hand over to the program with exec")
    /// The same while a client is connected and says nothing.
    package static let stopBusy = CheckItem(
        "stop-busy", "ends when it is stopped while a client is connected", .worthKnowing,
        harm: "as long as one client stays, each stop waits for the whole grace period and ends with SIGKILL",
        remedy:
            "a stop signal that closes connections (of postgres: SIGINT), or a limit on how long clients are waited for"
    )
    /// Its exit status after a stop is 0, or 128 and the signal's number.
    package static let status = CheckItem(
        "status", "says by its exit status that it ended well", .worthKnowing,
        harm: "an orderly stop counts as a failure: alarms, and restarts by on-failure",
        remedy: "end with 0, or with 128 and the signal's number, when the stop signal has come")
    /// A stop before it is ready ends it within the grace period.
    package static let stopEarly = CheckItem(
        "stop-early", "can be stopped while it is starting", .worthKnowing,
        harm: "a deployment that is taken back waits for the grace period, and kills it in the middle of its start",
        remedy: "set the handler first, or put an init in front (docker run --init)")
    /// PID 1 reaps orphans that an exec leaves.
    package static let orphans = CheckItem(
        "orphans", "reaps what is handed to it", .worthKnowing,
        harm:
            "each health check or exec that leaves a process leaves a zombie, until no process can be started any more",
        remedy: "put an init in front (docker run --init, tini, catatonit), or let PID 1 wait for every child")
    /// PID 1 does not exit 0 when all other processes are killed.
    package static let failure = CheckItem(
        "failure", "does not end as if all were well when its programs are killed", .harmful,
        harm: "a crash counts as a success: nothing restarts it, no alarm is raised",
        remedy:
            "hand over with exec, or end with the program's status: no pipeline after it, no `wait` without its number")
    /// What it prints comes as fast without a terminal as with one.
    package static let output = CheckItem(
        "output", "prints what it has to say at once", .worthKnowing,
        harm: "the log stays empty until the buffer is full, and its end is lost when it is killed",
        remedy: "flush each line (PYTHONUNBUFFERED=1, stdbuf -oL)")
    /// It becomes ready after each of ten restarts.
    package static let restarts = CheckItem(
        "restarts", "comes up again, ten times", .harmful,
        harm: "after a restart of the machine or the daemon it stays down",
        remedy: "remove what the last life has left, a pid file, a lock, a socket, at the start, or put it on a tmpfs")
    /// It becomes ready after a restart at a moment of its first start.
    package static let restartEarly = CheckItem(
        "restart-early", "comes up again after it was restarted during its first start", .harmful,
        harm:
            "stopped in its first moments it never comes up again: what is half done counts as done, or is in the way",
        remedy: "do the work beside its place and rename it when it is whole; write the marker last")
    /// It becomes ready after PID 1 was killed.
    package static let kill = CheckItem(
        "kill", "comes up again after it was killed", .harmful,
        harm: "after a crash, a power failure or an out-of-memory kill it stays down",
        remedy: "what was left by a life that was killed is to be removed or recognised at the start")
    /// It becomes ready after PID 1 was killed at a moment of its first start.
    package static let killEarly = CheckItem(
        "kill-early", "comes up again after it was killed during its first start", .harmful,
        harm:
            "killed in its first moments it never comes up again: what is half done counts as done, or is in the way",
        remedy: "do the work beside its place and rename it when it is whole; write the marker last")
    /// It becomes ready in a new container on the old volumes.
    package static let recreate = CheckItem(
        "recreate", "comes up in a new container with the old volumes", .harmful,
        harm: "an upgrade of the image does not start on the data that is there",
        remedy: "keep what belongs to one container out of the volume: pid files, sockets, host names, locks")
    /// A second container on its volumes does not end it, and it becomes ready again after both.
    package static let together = CheckItem(
        "together", "bears a second container on its volumes", .harmful,
        harm:
            "a second replica, or an upgrade that starts the new container before the old has ended, ends the first one, or leaves what no start accepts",
        remedy: "take a lock on the volume (flock) before the first write, and end where another has it")
    /// It becomes ready with a terminal, or without if it usually has one.
    package static let terminal = CheckItem(
        "terminal", "does without a terminal, and with one", .worthKnowing,
        harm: "it behaves otherwise in `docker run -t` than in production", remedy: "ask isatty(3) for colours alone")
    /// It becomes ready with a read-only root.
    package static let readOnly = CheckItem(
        "read-only", "works with a read-only root", .worthKnowing,
        harm: "it needs a layer to write to, and cannot be hardened this way",
        remedy: "a VOLUME or a tmpfs where it writes")
    /// It becomes ready as a user without an entry in /etc/passwd.
    package static let user = CheckItem(
        "user", "works as any user", .worthKnowing,
        harm: "OpenShift, and every platform that picks the user, does not start it",
        remedy: "let group 0 own and write what it writes (chgrp -R 0 …; chmod -R g=u …)")
    /// It becomes ready where no exec gives privileges.
    package static let privileges = CheckItem(
        "privileges", "works without new privileges", .worthKnowing,
        harm: "where no exec may give privileges, as Kubernetes' restricted standard demands, it does not start",
        remedy: "drop root with setpriv or gosu in place of sudo or su; run as the user from the beginning")
    /// It becomes ready with 50 processes at most.
    package static let processes = CheckItem(
        "processes", "works with few processes", .worthKnowing,
        harm: "with a limit on processes it does not start", remedy: "say how many it needs")
    /// It becomes ready with 128 MiB, and nothing is killed.
    package static let memory = CheckItem(
        "memory", "works with little memory", .worthKnowing,
        harm: "with this limit on memory the kernel kills it",
        remedy: "say how much it needs, and set the limit above that")
    /// It does not exit 0 when it can write 256 KiB only.
    package static let disk = CheckItem(
        "disk", "says so when the disk is full", .worthKnowing,
        harm: "on a full disk it seems to work and does not, or ends without a word",
        remedy: "see that errors of write are seen")
    /// It becomes ready in time when it may open as many files as the kernel allows.
    package static let files = CheckItem(
        "files", "starts as fast when it may open very many files", .worthKnowing,
        harm:
            "where the limit on open files is a million or more, as with containerd's default, its start takes very long",
        remedy: "close_range(2) in place of a loop over all descriptors, or a lower `ulimit nofile`")
    /// It ends well when it is stopped by the rules of other runtimes.
    package static let runtimes = CheckItem(
        "runtimes", "ends when Podman, Compose and Kubernetes stop it", .worthKnowing,
        harm: "it is stopped otherwise there than by Docker", remedy: "name the stop signal in the image (STOPSIGNAL)")
}

/// What a check has come to.
package struct CheckEntry: Sendable {
    /// Whether it holds.
    package enum Answer: Hashable, Sendable {
        /// Every run passed.
        case good
        /// A run failed.
        case bad
        /// It could not be told, and why.
        case untold(String)
        /// It was tried, and the machine or the harness failed.
        case error(String)
        /// Nobody asked.
        case skipped
    }

    /// What was asked.
    package let item: CheckItem
    /// Whether it holds.
    package let answer: Answer
    /// What was found, in half a sentence: figures, what it needs; empty: nothing more.
    package let note: String
    /// The runs that it rests on.
    package let results: [RunResult]
    /// Why it is accepted although it is bad; nil: it is not.
    package let acceptance: String?

    package init(
        _ item: CheckItem, _ answer: Answer, note: String = "", results: [RunResult] = [], acceptance: String? = nil
    ) {
        (self.item, self.answer, self.note, self.results) = (item, answer, note, results)
        self.acceptance = acceptance
    }

    /// Why it could not be told; nil: it could.
    var reason: String? {
        switch answer {
        case .untold(let reason), .error(let reason): reason
        default: nil
        }
    }

    /// It is bad, it is harmful, and nobody has accepted it.
    package var isHarmful: Bool { answer == .bad && item.weight == .harmful && acceptance == nil }

    /// `good`, `harmful`, `worth knowing`, `could not be told`, `accepted`, `not asked`.
    package var word: String {
        switch answer {
        case .good: "good"
        case .bad: acceptance == nil ? item.weight.rawValue : "accepted"
        case .untold, .error: "could not be told"
        case .skipped: "not asked"
        }
    }
}
