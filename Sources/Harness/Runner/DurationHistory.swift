import Kernel
import Model
import Reports
import Synchronization
import Vocabulary

/// How long scenarios took the last time: those that take longest begin first.
///
/// A file with one line for each that took half a second or more, by what it was run with; what is not in it took less, or was never run.
public final class DurationHistory: Sendable {
    private let path: String
    private let durations: Mutex<[String: Duration]>

    /// What is worth a line.
    private static let shortest = Duration.milliseconds(500)
    /// A file that is larger is none of this.
    private static let limitInBytes = 4 << 20

    /// - Parameter path: where the file is; one that cannot be read is begun anew.
    public init(path: String) {
        self.path = path
        var durations: [String: Duration] = [:]
        if let size = Files.sizeOfRegularFile(path), size <= DurationHistory.limitInBytes {
            for line in (Files.text(of: path) ?? "").split(separator: "\n") {
                // MILLISECONDS INIT RUNTIME FILE:TITLE
                let parts = line.split(separator: " ", maxSplits: 1)
                guard parts.count == 2, let time = Int(parts[0]), time > 0 else { continue }
                durations[String(parts[1])] = .milliseconds(time)
            }
        }
        self.durations = Mutex(durations)
    }

    /// Where a user's file is (XDG Base Directory Specification), nil where the environment does not say.
    public static var usualPath: String? {
        let base =
            ProcessSettings.environment("XDG_CACHE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
            ?? ProcessSettings.environment("HOME").flatMap { $0.hasPrefix("/") ? $0 + "/.cache" : nil }
        return base.map { $0 + "/harness/durations" }
    }

    func duration(of job: Session.Job) -> Duration? {
        durations.withLock { $0[DurationHistory.key(job)] }
    }

    func note(_ result: RunResult, of job: Session.Job) {
        let key = DurationHistory.key(job)
        durations.withLock { durations in
            if result.duration >= DurationHistory.shortest {
                durations[key] = result.duration
            } else {
                durations[key] = nil
            }
        }
    }

    /// Writes the file. Where that cannot be done nothing is lost but an estimate.
    public func save() {
        let text = durations.withLock { $0 }.sorted { $0.key < $1.key }.map { key, time in
            "\(time.inNanoseconds / 1_000_000) \(key)\n"
        }.joined()
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        if !Files.isDirectory(folder) {
            let parent = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
            if !Files.isDirectory(parent) { try? Files.makeDirectory(parent, mode: 0o700) }
            try? Files.makeDirectory(folder)
        }
        // Whole or not at all, also where two runs end at once.
        let temporary = "\(path).\(ProcessSettings.ownNumber)"
        guard (try? Files.write(text, creating: temporary)) != nil else { return }
        do { try Files.move(temporary, to: path) } catch { Files.remove(temporary) }
    }

    private static func key(_ job: Session.Job) -> String {
        let runtime = job.runtime?.rawValue ?? "-"
        return "\(job.profile.name) \(runtime) \(job.scenario.place.file):\(job.scenario.title)".replacing(
            "\n", with: " ")
    }
}
