import Kernel
import Vocabulary

/// What dead runs have left: their processes, directories and cgroups, which the next run takes away.
package struct Leftovers: Sendable {
    /// How many directories and cgroups of dead runs there were.
    package private(set) var count = 0
    /// Those that are still there, by their paths: a process in them cannot be killed, or time was over.
    package private(set) var remaining: [String] = []

    /// How long a run may take for what others have left, before it begins.
    private static let patience = Duration.seconds(1)
    private static let threadCount = 8

    private struct Item: Sendable {
        let path: String
        let claim: Claim
        let isCgroup: Bool
    }

    /// Takes away what it can within a second. Blocks for as long.
    ///
    /// - Parameter directories: where runs have their directories.
    static func remove(in directories: [String]) -> Leftovers {
        let deadline = MonotonicInstant.now.advanced(by: patience)
        // Processes first, those that are in no cgroup too; then the freezer: who is frozen cannot be killed.
        let groups =
            [directories.flatMap { abandoned(in: $0, isCgroup: false) }]
            + CgroupLayout.directories.map { abandoned(in: $0, isCgroup: true) }
        var result = Leftovers()
        for items in groups where !items.isEmpty {
            result.count += items.count
            result.remaining += remove(items, until: deadline)
        }
        return result
    }

    private static func abandoned(in directory: String, isCgroup: Bool) -> [Item] {
        Files.names(in: directory).filter(RunName.isOne).compactMap { name in
            let path = "\(directory)/\(name)"
            return Claim.abandoned(path).map { Item(path: path, claim: $0, isCgroup: isCgroup) }
        }
    }

    /// - Returns: what is still there.
    private static func remove(_ items: [Item], until deadline: MonotonicInstant) -> [String] {
        let state = Monitor((next: 0, remaining: [String]()))
        let work: @Sendable () -> Void = {
            while true {
                let item = state.withLock { state -> Item? in
                    guard state.next < items.count else { return nil }
                    state.next += 1
                    return items[state.next - 1]
                }
                guard let item else { return }
                if !remove(item, until: deadline) { state.withLock { $0.remaining.append(item.path) } }
            }
        }
        let threads = (1..<min(threadCount, items.count)).compactMap { _ in try? Thread(work) }
        work()
        for thread in threads { thread.join() }
        return state.withLock { $0.remaining.sorted() }
    }

    private static func remove(_ item: Item, until deadline: MonotonicInstant) -> Bool {
        if MonotonicInstant.now >= deadline { return false }
        if item.isCgroup { return Cgroup.remove(item.path, until: deadline) }
        // What is in no cgroup that could be written to is known by its root.
        for pid in ProcFS.processes(withRootIn: item.path) { try? PIDDescriptor(opening: pid).send(.kill) }
        try? Files.removeDirectory(item.path)
        return !Files.exists(item.path)
    }

    /// What was found and done, in a sentence; nil where there was nothing.
    package var sentence: String? {
        guard count > 0 else { return nil }
        func directories(_ number: Int) -> String { number == 1 ? "1 directory" : "\(number) directories" }
        guard let first = remaining.first else { return "removed \(directories(count)) that dead runs had left" }
        let more = remaining.count == 1 ? "" : " and \(remaining.count - 1) more"
        return
            "dead runs have left \(directories(count)), of which \(remaining.count) could not be removed within a second: "
            + "\(first)\(more); the next run tries again"
    }
}
