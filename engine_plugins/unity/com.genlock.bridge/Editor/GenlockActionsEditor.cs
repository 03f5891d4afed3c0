using System.Collections.Generic;
using UnityEditor;

namespace Genlock.Editor
{
    /// <summary>The actions, and what the daemon would refuse in them.</summary>
    [CustomEditor(typeof(GenlockActions))]
    [CanEditMultipleObjects]
    internal sealed class GenlockActionsEditor : UnityEditor.Editor
    {
        private readonly List<string> _mistakes = new List<string>();

        public override void OnInspectorGUI()
        {
            foreach (var mistake in _mistakes)
            {
                EditorGUILayout.HelpBox(mistake, MessageType.Error);
            }
            if (DrawDefaultInspector())
            {
                Check();
            }
        }

        private void OnEnable()
        {
            Undo.undoRedoPerformed += Check;
            Check();
        }

        private void OnDisable()
        {
            Undo.undoRedoPerformed -= Check;
        }

        /// <summary>Reads all pictures, so not each time that it is drawn.</summary>
        private void Check()
        {
            _mistakes.Clear();
            foreach (GenlockActions actions in targets)
            {
                _mistakes.AddRange(AppCheck.Mistakes(actions.ToApp("")));
            }
        }
    }
}
