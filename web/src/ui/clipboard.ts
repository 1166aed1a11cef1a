// Copying, and knowing for a moment that it worked.
import { useCallback, useEffect, useState } from "react";

export function useCopy(): [copied: boolean, copy: (text: string) => void] {
    const [copied, setCopied] = useState(false);
    useEffect(() => {
        if (!copied) return undefined;
        const timer = setTimeout(() => setCopied(false), 3000);
        return () => clearTimeout(timer);
    }, [copied]);
    const copy = useCallback((text: string) => void navigator.clipboard.writeText(text).then(() => setCopied(true)), []);
    return [copied, copy];
}
