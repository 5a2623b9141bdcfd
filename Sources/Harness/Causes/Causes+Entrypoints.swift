import Expectations
import Journal
import Model
import Vocabulary

/// First-run work, and the marker that says it is done; data that a service is to leave clean.
extension Cause {
    static let ofEntrypoints: [Cause] = [
        firstRunWorkAtEveryStart, markerBeforeTheWork, emptyMarkerBeforeTheWork, writesItsMarkerAgain, leavesDataDirty,
    ]

    private static let firstRunWorkAtEveryStart = Cause(
        "first-run-work-at-every-start",
        "the entrypoint does its first-run work at every start: it does not find the marker that it has left",
        remedy: "look for the marker first, where it persists: in the volume that has the data"
    ) { observation in
        for (former, life) in zip(observation.lives, observation.lives.dropFirst()) {
            // A new container has lost what was in the old one's layer.
            let isNew = observation.view.journal.events.contains { event in
                if case .runtime(.recreated) = event.kind {
                    event.instant > former.began && event.instant <= life.began
                } else {
                    false
                }
            }
            guard !isNew, let first = former.said({ $0 == .initialised }).first,
                former.said({ $0 == .wroteMarker }).first != nil, let again = life.said({ $0 == .initialised }).first
            else { continue }
            return [first, again]
        }
        return nil
    }

    private static let markerBeforeTheWork = Cause(
        "marker-before-the-work",
        "the entrypoint writes its marker before the work is done: a kill in between leaves it half done for ever",
        remedy: "the marker last, with a temporary file and mv"
    ) { observation in
        guard let look = observation.markerBeforeWork(isEmpty: false) else { return nil }
        return [look]
    }

    private static let emptyMarkerBeforeTheWork = Cause(
        "empty-marker-before-the-work",
        "the entrypoint makes its marker empty and fills it when the work is done: a kill in between leaves a marker that says nothing",
        remedy: "a temporary file, written whole, and mv; never the marker's own name for what is not finished"
    ) { observation in
        guard let look = observation.markerBeforeWork(isEmpty: true) else { return nil }
        return [look]
    }

    private static let writesItsMarkerAgain = Cause(
        "writes-its-marker-again",
        "the entrypoint writes its marker again at every start, though the work was not done again",
        remedy: "write the marker only where the work was done"
    ) { life, _ in
        life.said { $0 == .initialised }.isEmpty ? life.said { $0 == .wroteMarker } : nil
    }

    private static let leavesDataDirty = Cause(
        "leaves-data-dirty", "a service that was asked to stop, and had time to, has left its data dirty",
        remedy: "write what is open before exit: the stop signal is the time for it"
    ) { observation in
        for service in observation.scenario.services {
            for case .writes(let path) in service.traits {
                guard let look = observation.looks.last(where: { $0.file.path == path && $0.file.isDirty }),
                    let life = observation.lives.last, let index = life.service(service.name),
                    let ready = life.process(index).readyAt,
                    let told = life.signals.first(where: {
                        $0.target == index && $0.fate.hasArrived && $0.signal != .kill && $0.at > ready
                    }),
                    let exit = life.process(index).exitedAt, life.process(index).endedBy == nil
                else { continue }
                return [told.event, life.event(ofEnd: index), exit <= look.event.instant ? look.event : nil]
                    .compactMap(\.self)
            }
        }
        return nil
    }
}

extension FileFact {
    fileprivate var isDirty: Bool { status?.text?.hasPrefix("dirty") == true }
}

extension Observation {
    private var entrypoint: Entrypoint? {
        if case .entrypoint(let entrypoint)? = scenario.settings.payload { entrypoint } else { nil }
    }

    /// A look that found the marker when not all steps of the work had been gone through.
    ///
    /// - Parameter isEmpty: whether nothing was in it.
    fileprivate func markerBeforeWork(isEmpty: Bool) -> Event? {
        guard let entrypoint else { return nil }
        return looks.first { look in
            guard look.file.path == entrypoint.marker, let status = look.file.status,
                (status.sizeInBytes == 0) == isEmpty
            else { return false }
            return !view.journal.events.contains { event in
                if case .said(.initialised, _) = event.kind { event.instant <= look.event.instant } else { false }
            }
        }?.event
    }
}
