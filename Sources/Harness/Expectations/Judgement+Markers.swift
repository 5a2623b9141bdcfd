import Journal
import Model
import Vocabulary

/// Questions about first-run initialisation: the marker, and the work that it stands for.
extension JournalView {
    /// Where in the journal the place of a marker became new: its volume, or the container's layer.
    private func placeSinceNew(_ path: String) -> Int {
        func isBelow(_ directory: String) -> Bool { path == directory || path.hasPrefix(directory + "/") }
        let new = index.runtime.last { place in
            switch journal.events[place].kind {
            case .runtime(.recreated(let kept)): !kept.contains(where: isBelow)
            case .runtime(.volumeRemoved(_, let directory)): isBelow(directory)
            default: false
            }
        }
        return new ?? 0
    }

    /// What a marker was each time it was looked at, since its place was new.
    private func looks(at path: String) -> [(fact: FileFact, event: Event)] {
        events(at: index.looks[path] ?? [], from: placeSinceNew(path)).compactMap { event in
            if case .looked(let fact) = event.kind, fact.path == path { (fact, event) } else { nil }
        }
    }

    /// Reports of the entrypoint: all, or those since the place of a marker was new.
    private func reports(sinceNew path: String? = nil, _ isWanted: (ServiceWord) -> Bool) -> [Event] {
        events(at: index.said, from: path.map(placeSinceNew) ?? 0).filter { event in
            if case .said(let word, let speaker) = event.kind {
                isWanted(word) && isOfFake(speaker, at: event.instant)
            } else {
                false
            }
        }
    }

    /// Whether a word comes from a process that the witness knows to have executed the fakes.
    func isOfFake(_ pid: ProcessID, at instant: MonotonicInstant) -> Bool {
        if !journal.witness.seesSignals { return true }
        return index(of: pid, at: instant).map { tree.processes[$0].isFake } == true
    }

    func markerWrittenOnce(_ path: String) -> Judgement {
        let looks = looks(at: path)
        guard let last = looks.last else { return Judgement(unknown: "nobody has looked at \(path)") }
        guard let status = last.fact.status else { return Judgement(false, "there is no \(path)", [last.event]) }
        if let text = status.text, text.isEmpty {
            return Judgement(false, "\(path) is empty", [last.event])
        }
        if let early = markerBeforeWork(path, looks) { return early }
        let different = Set(looks.compactMap { $0.fact.status.map { [UInt64(bitPattern: $0.modified), $0.inode] } })
        let said = reports(sinceNew: path) { $0 == .wroteMarker }
        let count = max(different.count, said.count)
        // The times of a file are the container's word, but for ctime, which is the kernel's.
        let changes = Set(looks.compactMap { $0.fact.status?.changed })
        if count == 1, said.count <= 1, changes.count > 1 {
            return Judgement(
                unknown: "\(path) was written again with its old time, or its owner or mode was set again: "
                    + "the time of its last change (ctime) is another")
        }
        return Judgement(
            different.count == 1 && said.count <= 1,
            count == 1 ? "\(path) was written once" : "\(path) was written \(count) times",
            looks.map(\.event) + said)
    }

    /// A marker that was there before the entrypoint had said that its work is done.
    private func markerBeforeWork(_ path: String, _ looks: [(fact: FileFact, event: Event)]) -> Judgement? {
        let steps = reports(sinceNew: path) { if case .ran = $0 { true } else { false } }
        guard !steps.isEmpty else { return nil }
        let done = reports(sinceNew: path) { $0 == .initialised }.first?.instant ?? .distantFuture
        guard let first = looks.first(where: { $0.fact.status != nil }), first.event.instant < done else { return nil }
        let said = reports(sinceNew: path) { $0 == .wroteMarker }.first
        return Judgement(
            false, "\(first.fact.path) was there before the work was done", [said, first.event].compactMap(\.self))
    }

    func markerUnchanged(_ path: String) -> Judgement {
        let looks = looks(at: path)
        let present = looks.compactMap { look in look.fact.status.map { ($0, look.event) } }
        guard let first = present.first, let last = looks.last else {
            return Judgement(void: looks.isEmpty ? "nobody has looked at \(path)" : "there is no \(path)")
        }
        guard last.fact.status != nil else { return Judgement(false, "\(path) is there no more", [last.event]) }
        guard let changed = present.first(where: { $0.0 != first.0 }) else {
            return Judgement(true, "\(path) is as it was", [first.1])
        }
        var differences: [String] = []
        let (old, new) = (first.0, changed.0)
        if old.text != new.text { differences.append("content") }
        if old.modified != new.modified { differences.append("time of change") }
        if (old.user, old.group) != (new.user, new.group) { differences.append("owner") }
        if old.mode != new.mode { differences.append("mode") }
        if old.inode != new.inode { differences.append("inode") }
        if differences.isEmpty {
            return Judgement(
                false,
                "\(path) was written again, or its owner or mode set again: the time of its last change (ctime) is another",
                [first.1, changed.1])
        }
        return Judgement(
            false, "\(path) has another \(differences.joined(separator: ", "))", [first.1, changed.1])
    }

    func initialised(times: Int) -> Judgement {
        let found = reports { $0 == .initialised }
        return Judgement(found.count == times, "it initialised \(Condition.times(found.count))", found)
    }

    func ran(_ step: String, times: Int) -> Judgement {
        let found = reports { $0 == .ran(step: step) }
        return Judgement(found.count == times, "step \(step) ran \(Condition.times(found.count))", found)
    }
}
