/* Copy buttons, shown only where they work; and forgets a token when its page is left, so that "back" finds none. */
"use strict";
(() => {
    const select = (element) => {
        const range = document.createRange();
        range.selectNodeContents(element);
        const selection = window.getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
    };

    const copy = async (element) => {
        // Clipboard access needs HTTPS; elsewhere the text is selected and copied the old way.
        if (navigator.clipboard && window.isSecureContext) {
            await navigator.clipboard.writeText(element.textContent);
            return true;
        }
        select(element);
        return document.execCommand("copy");
    };

    for (const button of document.querySelectorAll("[data-scim-copy]")) {
        const element = document.getElementById(button.dataset.scimCopy);
        const label = button.textContent;
        button.hidden = false;
        button.setAttribute("aria-live", "polite");
        button.addEventListener("click", async () => {
            let done = false;
            try {
                done = await copy(element);
            } catch {
                select(element);
            }
            if (done) {
                button.textContent = button.dataset.scimCopied;
                setTimeout(() => { button.textContent = label; }, 2000);
            }
        });
    }

    window.addEventListener("pagehide", () => {
        for (const element of document.querySelectorAll("[data-scim-secret]")) {
            element.textContent = "…";
        }
    });
})();
